"""What the header says of one frame: enhanced objects keep it in functional groups (PS3.3, C.7.6.16), others on top.

It finds values; `modality`, `voi` and `facts` say what they mean.
"""

from medlab.loaders.dicom.elements import Elements


class FrameHeader:
    """The header as it holds for one frame."""

    def __init__(self, top: Elements, own: list[Elements], shared: list[Elements]):
        self.top = top
        self._groups = [*own, *shared]

    def holder(self, macro: str, *names: str) -> Elements:
        """Where to read `names`: the frame's own macro, the shared one, or the top level; the first that has any."""
        for group in self._groups:
            for item in group.items(macro):
                if any(name in item for name in names):
                    return item
        return self.top


def frame_headers(top: Elements, first: int = 0, count: int = 1) -> list[FrameHeader]:
    """The headers of `count` frames from `first` on, in one pass: to reach an item, those before it are walked."""
    own = top.items("PerFrameFunctionalGroupsSequence", first, count)
    shared = top.items("SharedFunctionalGroupsSequence")
    return [FrameHeader(top, own[number : number + 1], shared) for number in range(count)]
