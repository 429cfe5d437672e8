"""TensorFlow's operators by what they can do beyond computing. Names: tensorflow/core/ops."""

from __future__ import annotations

import re
from enum import Enum
from importlib.resources import files


class OpRisk(Enum):
    """What a node with this operator can do."""

    PLAIN = "computes"
    CODE = "runs Python or native code"
    READS = "reads files"
    WRITES = "writes files"
    REMOTE = "talks to another machine"
    PRINTS = "prints, to a file if it says so"
    DEBUG = "sends tensors to where it says"
    CHECKPOINT = "reads or writes a checkpoint"
    TABLE = "reads a vocabulary file"
    INPUT = "reads data sets"
    SUMMARY = "writes summaries"
    NATIVE = "calls a compiled function by its name"
    STOPS = "ends the process that runs it"
    UNKNOWN = "is not an operator of TensorFlow"


def _listed() -> frozenset[str]:
    lines = files("scanners").joinpath("data", "tensorflow_ops.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


KNOWN = _listed()
_RISKS = {
    OpRisk.CODE: "PyFunc PyFuncStateless EagerPyFunc",
    OpRisk.READS: "ReadFile MatchingFiles WholeFileReader WholeFileReaderV2 ImmutableConst",
    OpRisk.WRITES: "WriteFile DumpTensor",
    OpRisk.REMOTE: """RpcCall RpcClient RpcServer RpcServerRegister RpcServerStart Rpc TryRpc DataServiceDataset
        DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4 RegisterDataset RegisterDatasetV2
        FileSystemSetConfiguration BigQueryReader GenerateBigQueryReaderPartitions BigtableClient
        CollectiveInitializeCommunicator""",
    OpRisk.PRINTS: "PrintV2",
    OpRisk.DEBUG: """DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugNanCount DebugNumericSummary
        DebugNumericSummaryV2""",
    OpRisk.CHECKPOINT: """Save SaveV2 SaveSlices Restore RestoreV2 RestoreSlice ShardedFilename ShardedFilespec
        DTensorRestoreV2 DistributedSave MergeV2Checkpoints LoadAndRemapMatrix""",
    OpRisk.TABLE: """InitializeTableFromTextFile InitializeTableFromTextFileV2 GenerateVocabRemapping
        FixedUnigramCandidateSampler""",
    OpRisk.INPUT: """TFRecordDataset TFRecordDatasetV2 TextLineDataset FixedLengthRecordDataset
        FixedLengthRecordDatasetV2 CSVDataset CSVDatasetV2 ExperimentalCSVDataset SqlDataset ExperimentalSqlDataset
        LMDBDataset ExperimentalLMDBDataset LMDBReader TextLineReader TextLineReaderV2 TFRecordReader TFRecordReaderV2
        FixedLengthRecordReader FixedLengthRecordReaderV2 IdentityReader IdentityReaderV2 MatchingFilesDataset
        ExperimentalMatchingFilesDataset LoadDataset SaveDataset SaveDatasetV2 SnapshotDataset SnapshotDatasetV2
        SnapshotDatasetReader SnapshotNestedDatasetReader SnapshotChunkDataset ListSnapshotChunksDataset
        DatasetToTFRecord ExperimentalDatasetToTFRecord DatasetFromGraph""",
    OpRisk.SUMMARY: "CreateSummaryFileWriter CreateSummaryDbWriter WriteRawProtoSummary ImportEvent",
    OpRisk.NATIVE: "XlaCustomCall XlaCustomCallV2 XlaHostCompute XlaSendToHost XlaRecvFromHost",
    OpRisk.STOPS: "Abort",
}
RISK = {name: risk for risk, names in _RISKS.items() for name in names.split()}


_SAYS_IT_RUNS = re.compile(
    r"shell|subprocess|popen|syscall|run(?:cmd|command|code|script|process|python)|py(?:call|func|exec)|backdoor"
    r"|exec(?:ute)?(?:cmd|command|code|script|op|process|python)?$|system(?:call|cmd|op|config)?$"
    r"|(?:cmd|command)(?:op|exec)?$|eval(?:code|python)",
    re.IGNORECASE,
)


def says_it_runs(operator: str) -> bool:
    """Whether an operator nobody knows says by its name that it runs commands or code."""
    return _SAYS_IT_RUNS.search(operator) is not None


def risk_of(operator: str) -> OpRisk:
    found = RISK.get(operator)
    if found is not None:
        return found
    return OpRisk.PLAIN if operator in KNOWN else OpRisk.UNKNOWN
