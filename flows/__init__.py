"""Everything that touches the world: teachers, disk, Hub, schedule, command line."""
