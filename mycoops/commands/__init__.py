"""What each command does, as plain functions; printing is left to the command line."""
