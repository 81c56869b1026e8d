"""Pure functions on Polars frames: no files, network, clock, logging or Prefect."""
