"""What makes a dump of chats fit for training: one idea a file, all of them pure functions."""
