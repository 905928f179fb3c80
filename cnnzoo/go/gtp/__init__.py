"""The Go Text Protocol, version 2, by which Sabaki, Lizzie, GoGui and other programs talk to a player.

Gunnar Farnebäck, "Specification of the Go Text Protocol, version 2, draft 2", 2002,
https://www.lysator.liu.se/~gunnar/gtp/gtp2-spec-draft2/gtp2-spec.html
"""

from cnnzoo.go.gtp.engine import Engine
from cnnzoo.go.gtp.protocol import serve

__all__ = ["Engine", "serve"]
