"""Documents as text: their sections, sentences and chunks, and quotes that are found in them."""
