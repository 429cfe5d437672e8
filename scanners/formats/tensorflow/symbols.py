"""TensorFlow's and NumPy's Python functions by name, as a Keras layer can call them (`TFOpLambda`)."""

from __future__ import annotations

from enum import Enum

from scanners.formats.shared.words import words


class Reach(Enum):
    """What a function can do."""

    PLAIN = "computes"
    FILES = "reads or writes files"
    CODE = "runs Python or native code"


_CODE = words(
    """py_function numpy_function py_func eager_py_func load_library load_op_library load_file_system_library load
    load_model load_v2 system popen exec eval compile hub_load run_functions_eagerly custom_gradient
    import_graph_def import_meta_graph from_generator"""
)
_FILES = words(
    """read_file write_file matching_files match_filenames_once save restore save_v2 restore_v2 read_graph
    write_graph fromfile tofile loadtxt savetxt savez genfromtxt memmap open_memmap save_weights load_weights
    GFile glob copy_v2 remove rmtree rename mkdir makedirs listdir walk stat get_file decode_proto encode_proto
    print list_files TextLineDataset TFRecordDataset FixedLengthRecordDataset CsvDataset SqlDataset TFRecordWriter
    file_writer create_file_writer write_summary ReadFile WriteFile"""
)
_ALWAYS_FILES = ("io.", "gfile.", "data.", "saved_model.", "train.", "summary.", "compat.v1.gfile.", "raw_ops.")
_PLAIN_IO = words(
    """decode_base64 decode_compressed decode_csv decode_gif decode_image decode_jpeg decode_and_crop_jpeg decode_png
    decode_raw decode_bmp decode_json_example encode_base64 encode_jpeg encode_png extract_jpeg_shape is_jpeg
    parse_example parse_single_example parse_sequence_example parse_tensor serialize_tensor serialize_sparse
    serialize_many_sparse deserialize_many_sparse parse_single_sequence_example"""
)


def reach_of(symbol: str) -> Reach:
    """Of a function as TensorFlow exports it, `io.write_file` or `math.add`."""
    symbol = (
        symbol.removeprefix("tf.").removeprefix("tensorflow.").removeprefix("compat.v1.").removeprefix("compat.v2.")
    )
    name = symbol.rsplit(".", 1)[-1]
    if name in _CODE:
        return Reach.CODE
    if name in _FILES or (symbol.startswith(_ALWAYS_FILES) and name not in _PLAIN_IO):
        return Reach.FILES
    return Reach.PLAIN
