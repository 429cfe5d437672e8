"""Ideas that judges of many formats share."""
