"""What is said to a server, without I/O: the realtime protocol, and utterances as requests; on the session clock."""
