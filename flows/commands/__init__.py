"""One module per verb; each has `run(arguments) -> answer`."""
