"""What a model makes of the plugin's prompts; the tests try everything else."""
