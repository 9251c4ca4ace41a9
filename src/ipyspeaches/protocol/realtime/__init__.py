"""OpenAI's Realtime protocol, as Speaches and its family speak it."""
