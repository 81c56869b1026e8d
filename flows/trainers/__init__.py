"""Configurations for trainers, with the settings that were published."""
