"""What Linux says about this processor: its name, and which number formats it is good at."""

from __future__ import annotations

from dataclasses import dataclass
import functools
from pathlib import Path

EIGHT_BITS = frozenset({'avx512_vnni', 'avx_vnni'})
"""x86 instructions that multiply in eight bits, by their names in Linux."""
BF16, TILES = 'avx512_bf16', 'amx_bf16'
"""Those that multiply in bf16: of vectors, and of tiles."""
AMD, INTEL = 'AuthenticAMD', 'GenuineIntel'


@dataclass(frozen=True)
class Processor:
    """Vendor, instructions and name of an x86 processor; what is not known is empty."""

    vendor: str = ''
    flags: frozenset[str] = frozenset()
    name: str = ''

    @classmethod
    def read(cls, path: Path) -> Processor:
        """What a file like ``/proc/cpuinfo`` says; nothing where it cannot be read."""
        try:
            lines = path.read_text(encoding='utf-8').splitlines()
        except OSError:
            return cls()
        said = {key.strip(): value.strip() for key, _, value in
                (line.partition(':') for line in reversed(lines))}
        return cls(said.get('vendor_id', ''), frozenset(said.get('flags', '').split()),
                   said.get('model name', ''))

    @property
    def key(self) -> str:
        """Differs where code that was compiled for one does not run on another, or not as fast."""
        return ' '.join(filter(None, (self.vendor, self.name, *sorted(self.flags))))

    @property
    def has_eight_bits(self) -> bool:
        """Whether eight bits are faster than fp32."""
        return bool(self.flags & EIGHT_BITS)

    @property
    def has_good_bf16(self) -> bool:
        """Whether bf16 is much faster than fp32; not known counts as no.

        Tiles are, and the vectors of AMD. Those of Intel were slower than fp32.
        """
        return TILES in self.flags or (self.vendor == AMD and BF16 in self.flags)

    @property
    def has_poor_bf16(self) -> bool:
        """Whether bf16 is known to be slower than fp32."""
        return self.vendor == INTEL and not self.has_good_bf16


@functools.cache
def this_processor() -> Processor:
    """The one of this machine."""
    return Processor.read(Path('/proc/cpuinfo'))
