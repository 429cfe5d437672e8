"""Archives and compressed streams: their members are judged each by its content."""
