"""The rule packs that come with synthx: one dated YAML file each, data and no code."""
