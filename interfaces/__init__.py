"""How people and programs get in: the `ordertrail` command line."""
