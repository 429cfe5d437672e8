"""Lists of packages to install, in every spelling: what is not what it seems, and what comes from elsewhere."""
