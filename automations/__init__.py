"""What the data does by itself. Its models come with the automations themselves."""
