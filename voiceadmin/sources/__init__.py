"""The platform and the TTS providers as sources of voices."""
