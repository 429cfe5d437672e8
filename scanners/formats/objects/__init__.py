"""Objects that a loader builds by what the file says, in other languages than pickle."""
