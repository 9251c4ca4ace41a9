"""A microphone made of software: what is played into PulseAudio's null sink, its monitor records."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

RATE_HZ = 48_000
START_TIMEOUT_S = 60.0


class NullSink:
    """A PulseAudio daemon of our own whose default microphone is a null sink's monitor.

    Parameters
    ----------
    folder
        An empty folder for its socket and settings; short, a socket's path has at most 107 characters.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        alsa = folder / "asound.conf"
        # ALSA reads only the file named here, so that it has to bring the system's along.
        alsa.write_text(
            "</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n", encoding="utf-8"
        )
        self.env = {
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder / "pulse"),
            "PULSE_SERVER": f"unix:{folder / 'pulse' / 'native'}",
            "PULSE_STATE_PATH": str(folder / "state"),
            "PULSE_COOKIE": str(folder / "cookie"),
            "ALSA_CONFIG_PATH": str(alsa),
        }
        self._env = {**os.environ, **self.env}
        self._daemon: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the daemon and make the sink's monitor the default microphone."""
        program = shutil.which("pulseaudio")
        if program is None:
            raise RuntimeError("pulseaudio is missing: run tools/apt.sh pulseaudio portaudio")
        for name in ("pulse", "state"):
            (self._folder / name).mkdir(mode=0o700, exist_ok=True)
        log = (self._folder / "pulse.log").open("wb")
        modules = ("module-native-protocol-unix", f"module-null-sink sink_name=speaker rate={RATE_HZ} channels=1")
        with log:
            self._daemon = subprocess.Popen(
                [
                    *(program, "-n", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit", "--use-pid-file=no"),
                    *(part for module in modules for part in ("-L", module)),
                ],
                env={name: value for name, value in self._env.items() if name != "PULSE_SERVER"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_until_default()

    def stop(self) -> None:
        """Stop the daemon."""
        if self._daemon is not None:
            self._daemon.terminate()
            self._daemon.wait(60)
            self._daemon = None

    def play(self, wav: Path) -> subprocess.Popen[bytes]:
        """Start playing a file into the microphone, in real time."""
        return subprocess.Popen(["paplay", "--device=speaker", str(wav)], env=self._env, stdin=subprocess.DEVNULL)

    def _wait_until_default(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        command = ["pactl", "set-default-source", "speaker.monitor"]
        while subprocess.run(command, env=self._env, stdin=subprocess.DEVNULL, capture_output=True).returncode != 0:
            if time.monotonic() > deadline:
                self.stop()
                log = (self._folder / "pulse.log").read_text(errors="replace")
                raise RuntimeError(f"PulseAudio did not start:\n{log[-4000:]}")
            time.sleep(0.1)
