"""Every kind of content we have a name for, and which of them are plain data."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """By family; the value is what a report calls it."""

    # pickle and its carriers
    PICKLE = "pickle"
    TORCH_ZIP = "torch-zip"
    TORCH_LEGACY = "torch-legacy"
    TORCH_TAR = "torch-tar"
    TORCH_SHARDS = "torch-shards"
    TORCH_PACKAGE = "torch-package"
    TORCH_EXPORT = "torch-export"
    JOBLIB_ZFILE = "joblib-zfile"
    NUMPY = "numpy"
    NUMPY_ZIP = "numpy-zip"
    # tensors and graphs
    SAFETENSORS = "safetensors"
    GGUF = "gguf"
    ONNX = "onnx"
    HDF5 = "hdf5"
    KERAS_ZIP = "keras-zip"
    KERAS_CONFIG = "keras-config"
    SAVED_MODEL = "tensorflow-graph"
    KERAS_METADATA = "keras-metadata"
    TENSORFLOW_FINGERPRINT = "tensorflow-fingerprint"
    TENSORFLOW_INDEX = "tensorflow-checkpoint-index"
    TENSORFLOW_DATA = "tensorflow-checkpoint-data"
    TF_RECORD = "tfrecord"
    TFLITE = "tflite"
    MSGPACK = "msgpack"
    SENTENCEPIECE = "sentencepiece"
    RAW_TENSORS = "raw-tensor-data"
    GGML = "ggml"
    ONNX_RUNTIME = "onnx-runtime"
    COREML = "coreml"
    COREML_WEIGHTS = "coreml-weights"
    OPENVINO = "openvino"
    TENSORRT = "tensorrt"
    DEVICE_CODE = "device-code"
    EXECUTORCH = "executorch"
    PADDLE = "paddle-program"
    PADDLE_WEIGHTS = "paddle-weights"
    CAFFE = "caffe"
    PROTOTXT = "prototxt"
    MXNET = "mxnet-params"
    TORCH7 = "torch7"
    LUA_BYTECODE = "lua-bytecode"
    SKOPS = "skops"
    R_DATA = "r-data"
    UBJSON = "ubjson"
    XGBOOST = "xgboost"
    CATBOOST = "catboost"
    FASTTEXT = "fasttext"
    WORD2VEC = "word2vec"
    FAISS = "faiss"
    KENLM = "kenlm"
    DARKNET = "darknet"
    MNN = "mnn"
    MINDSPORE = "mindspore"
    KALDI = "kaldi"
    FOREIGN_OBJECTS = "foreign-objects"
    BSON = "bson"
    # archives and compressed streams
    ZIP = "zip"
    TAR = "tar"
    SEVEN_ZIP = "7z"
    RAR = "rar"
    GZIP = "gzip"
    ZLIB = "zlib"
    BZIP2 = "bzip2"
    XZ = "xz"
    LZMA = "lzma"
    LZ4 = "lz4"
    ZSTD = "zstd"
    AR = "ar"
    CPIO = "cpio"
    CAB = "cab"
    RPM = "rpm"
    XAR = "xar"
    DMG = "dmg"
    SQUASHFS = "squashfs"
    ISO = "iso"
    LHA = "lha"
    ARJ = "arj"
    ACE = "ace"
    COMPRESS = "compress"
    LZIP = "lzip"
    LZOP = "lzop"
    SNAPPY = "snappy"
    BROTLI = "brotli"
    # programs
    ELF = "elf"
    PE = "pe"
    MACH_O = "mach-o"
    JAVA_CLASS = "java-class"
    WASM = "wasm"
    PYTHON_BYTECODE = "python-bytecode"
    DEX = "dex"
    SHORTCUT = "windows-shortcut"
    OLE = "ole"
    LAUNCHER = "desktop-launcher"
    # text
    PYTHON = "python"
    SCRIPT = "script"
    NOTEBOOK = "notebook"
    PATH_CONFIGURATION = "python-path-configuration"
    JSON = "json"
    YAML = "yaml"
    TEMPLATE = "template"
    R_SCRIPT = "r-script"
    XML = "xml"
    PMML = "pmml"
    SVG = "svg"
    HTML = "html"
    TOML = "toml"
    INI = "ini"
    MARKDOWN = "markdown"
    REQUIREMENTS = "requirements"
    MODELFILE = "modelfile"
    WIDE_TEXT = "text-in-utf-16"
    LFS_POINTER = "lfs-pointer"
    TEXT = "text"
    EMPTY = "empty"
    # pictures, sound, tables and fonts
    PNG = "png"
    JPEG = "jpeg"
    GIF = "gif"
    WEBP = "webp"
    BMP = "bmp"
    ICO = "ico"
    TIFF = "tiff"
    WAV = "wav"
    FLAC = "flac"
    OGG = "ogg"
    MP3 = "mp3"
    MP4 = "mp4"
    PDF = "pdf"
    PARQUET = "parquet"
    ARROW = "arrow"
    FONT = "font"
    PICTURE = "picture"
    SOUND = "sound"
    VIDEO = "video"
    SHAPE = "3d-shape"
    SCAN = "medical-image"
    SQLITE = "sqlite"
    AVRO = "avro"
    ORC = "orc"
    LMDB = "lmdb"
    MATLAB = "matlab"
    DATABASE = "database"
    TABLE = "table"
    BLEND = "blender"
    FOLDER_NOTES = "folder-notes"
    APPLE_METADATA = "apple-metadata"

    UNKNOWN = "unknown"


INERT = frozenset(
    {
        # tensors and graphs
        Format.TENSORFLOW_FINGERPRINT, Format.TENSORFLOW_INDEX, Format.TENSORFLOW_DATA, Format.TF_RECORD,
        Format.SENTENCEPIECE, Format.RAW_TENSORS, Format.COREML_WEIGHTS, Format.PADDLE_WEIGHTS, Format.MXNET,
        Format.XGBOOST, Format.CATBOOST, Format.FASTTEXT, Format.WORD2VEC, Format.FAISS, Format.KENLM, Format.DARKNET,
        Format.KALDI,
        # text
        Format.TEXT, Format.LFS_POINTER, Format.EMPTY,
        # pictures, sound, tables and fonts
        Format.PNG, Format.JPEG, Format.GIF, Format.WEBP, Format.BMP, Format.ICO, Format.TIFF, Format.WAV,
        Format.FLAC, Format.OGG, Format.MP3, Format.MP4, Format.FONT,
        Format.PICTURE, Format.SOUND, Format.VIDEO, Format.SHAPE, Format.SCAN, Format.AVRO, Format.ORC,
        Format.LMDB, Format.MATLAB, Format.DATABASE, Format.TABLE, Format.FOLDER_NOTES, Format.APPLE_METADATA,
    }
)  # fmt: skip
"""Plain data: what reads it gets values, and no loader known to us runs anything in it."""

ACTIVE = frozenset(
    {
        # pickle and its carriers
        Format.PICKLE, Format.TORCH_ZIP, Format.TORCH_LEGACY, Format.NUMPY_ZIP, Format.KERAS_ZIP, Format.HDF5,
        # archives
        Format.ZIP, Format.TAR, Format.SEVEN_ZIP, Format.RAR, Format.AR, Format.CPIO, Format.CAB, Format.RPM,
        Format.XAR, Format.LHA, Format.ARJ, Format.ACE, Format.ISO, Format.SQUASHFS,
        # compressed streams
        Format.GZIP, Format.BZIP2, Format.XZ, Format.LZMA, Format.LZ4, Format.ZSTD, Format.LZIP, Format.LZOP,
        # programs
        Format.ELF, Format.PE, Format.MACH_O, Format.JAVA_CLASS, Format.WASM, Format.PYTHON_BYTECODE, Format.DEX,
        Format.SHORTCUT, Format.OLE, Format.LAUNCHER,
        # text that runs
        Format.PYTHON, Format.SCRIPT,
    }
)  # fmt: skip
"""Content that can do something when it is opened, or carry what can: out of place behind a harmless name or end."""
