"""What the header says of one frame: enhanced objects keep it in functional groups (PS3.3, C.7.6.16), others on top.

It finds values; `modality`, `voi` and `facts` say what they mean.
"""

from medlab.loaders.dicom.elements import Elements


class FrameHeader:
    """The header as it holds for one frame, from 0."""

    def __init__(self, top: Elements, frame: int):
        self.top = top
        own = top.items("PerFrameFunctionalGroupsSequence", first=frame)
        self._groups = [*own, *top.items("SharedFunctionalGroupsSequence")]

    def holder(self, macro: str, *names: str) -> Elements:
        """Where to read `names`: the frame's own macro, the shared one, or the top level; the first that has any."""
        for group in self._groups:
            for item in group.items(macro):
                if any(name in item for name in names):
                    return item
        return self.top
