"""PyTorch's storages and element types (source: torch/storage.py and torch/_utils.py of torch 2.13)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from scanners.formats.pickle.known import names

STORAGE_ITEM_BYTES: Mapping[str, int] = MappingProxyType(
    {
        "ByteStorage": 1,
        "CharStorage": 1,
        "BoolStorage": 1,
        "QUInt8Storage": 1,
        "QInt8Storage": 1,
        "QUInt4x2Storage": 1,
        "QUInt2x4Storage": 1,
        "UntypedStorage": 1,
        "ShortStorage": 2,
        "HalfStorage": 2,
        "BFloat16Storage": 2,
        "IntStorage": 4,
        "FloatStorage": 4,
        "QInt32Storage": 4,
        "LongStorage": 8,
        "DoubleStorage": 8,
        "ComplexFloatStorage": 8,
        "ComplexDoubleStorage": 16,
    }
)
"""Bytes of one element of each torch storage class."""

STORAGE_DTYPES: Mapping[str, str] = MappingProxyType(
    {
        "ByteStorage": "U8",
        "CharStorage": "I8",
        "BoolStorage": "BOOL",
        "ShortStorage": "I16",
        "HalfStorage": "F16",
        "BFloat16Storage": "BF16",
        "IntStorage": "I32",
        "FloatStorage": "F32",
        "LongStorage": "I64",
        "DoubleStorage": "F64",
        "ComplexFloatStorage": "C64",
        "ComplexDoubleStorage": "C128",
    }
)
"""The safetensors name of each storage's element type."""

STORAGE_MODULES = names("torch torch.cuda torch.storage")

TENSORS = names(
    """ByteTensor CharTensor ShortTensor IntTensor LongTensor HalfTensor FloatTensor DoubleTensor BoolTensor
    BFloat16Tensor"""
)
DTYPES = names(
    """bfloat16 float16 float32 float64 half float double float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz
    float8_e8m0fnu float4_e2m1fn_x2 complex32 complex64 complex128 chalf cfloat cdouble int8 int16 int32 int64 short int
    long bool uint8 uint16 uint32 uint64 uint1 uint2 uint3 uint4 uint5 uint6 uint7 int1 int2 int3 int4 int5 int6 int7
    qint8 quint8 qint32 quint4x2 quint2x4 bits8 bits16 bits1x8 bits2x4 bits4x2"""
)
LAYOUTS = names(
    """per_tensor_affine per_tensor_symmetric per_channel_affine per_channel_symmetric
    per_channel_affine_float_qparams strided sparse_coo sparse_csr sparse_csc sparse_bsr sparse_bsc jagged _mkldnn
    contiguous_format channels_last channels_last_3d preserve_format"""
)
REBUILDERS = names(
    """_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state
    _rebuild_qtensor _rebuild_sparse_tensor _rebuild_sparse_csr_tensor _rebuild_meta_tensor_no_storage
    _rebuild_nested_tensor _rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor
    _rebuild_xla_tensor"""
)
DISTRIBUTED = {
    "torch.distributed.tensor": "DTensor",
    "torch.distributed.device_mesh": "DeviceMesh",
    "torch.distributed._mesh_layout": "_MeshLayout _FlatLayout",
    "torch.distributed.tensor._dtensor_spec": "DTensorSpec TensorMeta ShardOrderEntry",
    "torch.distributed.tensor.placement_types": "Partial Replicate Shard _StridedShard",
    "torch.nested._internal.nested_tensor": "NestedTensor _rebuild_njt",
}
"""What PyTorch itself lets through with weights_only, once its distributed tensors are in use."""
TORCHSCRIPT = names(
    "build_intlist build_tensorlist build_doublelist build_boollist build_tensor_from_id restore_type_tag"
)
"""Functions of torch.jit._pickle that the pickles of TorchScript archives call."""
