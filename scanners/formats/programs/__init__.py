"""Programs, and files that start one."""
