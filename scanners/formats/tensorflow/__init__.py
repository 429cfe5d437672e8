"""TensorFlow: graphs in protobuf, checkpoints and event files, and TensorFlow Lite."""
