"""Versions on the Hugging Face Hub: pushed whole or not at all, tagged, and read back."""
