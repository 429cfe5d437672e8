"""Code that comes along with a model: Python source and bytecode, notebooks, scripts. Read, never run or imported."""
