"""Configurations: JSON, YAML, TOML and INI, judged by what they say, whatever they are called."""
