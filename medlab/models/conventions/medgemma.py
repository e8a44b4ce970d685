"""Everything that is MedGemma's own way of being asked and of replying: order, thought, boxes, limits.

Sources, all Google's and public: the model cards of MedGemma 1 (v1.0.1) and 1.5 (v1.5.0, 13 January 2026), the
notebooks of github.com/Google-Health/medgemma, and what users met there and in ollama #15754. The demo model is of the
same classes and keeps the same format. It knows text alone: which checkpoint is loaded, others know.

- Order. Card 1: text, then image. Card 1.5: image, then text, no system prompt.
- Square. Google pads to a square with black before the processor resizes (notebooks on localisation); the
  processor alone would stretch.
- System prompt. Gemma has no such role: the chat template puts the text before the first user turn and an empty
  line between.
- Thought. `<unused94>thought\\n … <unused95>` before the answer. Of 27B on request ("SYSTEM INSTRUCTION: think
  silently if needed."); of 1.5 unasked too, and nothing turns it off (#42). The tokenizer does not count the two
  words among its special tokens, so they stand in decoded text. Thoughts come twice, or do not end (#40).
- Images. 1 was not evaluated with several. 1.5: two films, 85 CT slices, 125 pathology patches (notebooks).
- Language. Declared for English prompts alone (both cards); 27B text answers Chinese half in English (#41).
"""

import re

from medlab.core.case import Box
from medlab.core.errors import CapabilityError
from medlab.core.geometry import SquareFit
from medlab.core.query import Message, Part, Query
from medlab.core.record import record
from medlab.models.conventions.box_text import read_boxes
from medlab.models.conventions.plain import CONTEXT_FULL, CUT_OFF, Conventions, Reply

THOUGHT_BEGINS, THOUGHT_ENDS = "<unused94>", "<unused95>"
THINK = "SYSTEM INSTRUCTION: think silently if needed."
"""Google's own wording (quick start for 27B, reinforcement learning for 1.5)"""
MAX_SLICES, MAX_PATCHES = 85, 125
"""of CT and of pathology at 10x, 896 pixels each: the numbers of MedGemma 1.5's notebooks"""
CONTROLS = (
    *("<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>", "<image_soft_token>"),
    *(THOUGHT_BEGINS, THOUGHT_ENDS, "<bos>", "<eos>", "<pad>"),
)
CUT_IN_THOUGHT = (
    "the token limit fell into the model's thought, so there is no answer: "
    "ask again with Decoding(max_new_tokens=2000) or more"
)
FULL_IN_THOUGHT = (
    "prompt and reply fill the context within the model's thought, so there is no answer: "
    "shorten the text or show fewer scans"
)
THOUGHT_TOKENS = 2000
"""that a thought and its answer may take where nobody says"""
_HEADING = re.compile(r"\s*thought[ \t]*\n")
_TURN_END = re.compile(r"(?:<end_of_turn>|<eos>)\s*\Z")


@record
class MedGemma(Conventions):
    """The conventions of MedGemma 1; those of 1.5 and of the demo model differ in their fields alone."""

    family: str = "medgemma-1"
    order: str = "text_first"
    fit: str = "pad"
    several: bool = False
    languages: tuple[str, ...] = ("en",)
    controls: tuple[str, ...] = CONTROLS

    def read(self, text: str, finished: bool, *, context_full: bool = False) -> Reply:
        """The reply with its thoughts split off; without any, the text is as it was generated."""
        text = _TURN_END.sub("", text)
        if THOUGHT_BEGINS not in text and THOUGHT_ENDS not in text:
            return _unmarked(text, super().read(text, finished, context_full=context_full))
        outside, thoughts, closed = split_thoughts(text)
        warnings = []
        if len(thoughts) > 1:
            warnings.append(f"the model thought {len(thoughts)} times; the thoughts are joined")
        if not closed:
            cut = FULL_IN_THOUGHT if context_full else CUT_IN_THOUGHT
            warnings.append(cut if not finished else "the model ended its turn within its thought")
        elif not finished:
            warnings.append(CONTEXT_FULL if context_full else CUT_OFF)
        elif not outside:
            warnings.append("the model thought and then answered nothing")
        return Reply(outside, "\n\n".join(thoughts), not finished, tuple(warnings))

    def boxes(self, text: str, fits: tuple[SquareFit, ...]) -> tuple[tuple[Box, ...], tuple[str, ...]]:
        return read_boxes(text, fits)

    def think(self, query: Query) -> Query:
        """The same question with Google's instruction to think first, before any system text.

        MedGemma 1.5 was published without a system prompt but for this one (reinforcement learning notebook).
        """
        if not self.thinks:
            raise CapabilityError(
                f"{self.family} was not trained to think before it answers",
                accepted="a MedGemma of 27B, or MedGemma 1.5",
            )
        first, *rest = query.messages
        if first.role != "system":
            return query.replace(messages=(Message("system", (Part(text=THINK),)), first, *rest))
        if any(THINK in (part.text or "") for part in first.parts):
            return query
        told = "\n".join(part.text for part in first.parts if part.text is not None)
        return query.replace(messages=(Message("system", (Part(text=f"{THINK} {told}"),)), *rest))

    def cautions(self, query: Query) -> tuple[str, ...]:
        found = super().cautions(query)
        first = query.messages[0]
        if first.role == "system" and all(part.text == THINK for part in first.parts):
            found = tuple(text for text in found if "system prompt" not in text)
        ct = [scan for scan in query.scans if scan.modality == "CT"]
        if ct and not all(scan.is_colour for scan in ct):
            found += (
                f"{self.family} was trained on CT in three windows as red, green, blue; this is one window in grey: "
                "medlab.load_series(folder, three_windows=True)",
            )
        return found


def split_thoughts(text: str) -> tuple[str, tuple[str, ...], bool]:
    """(what stands outside the thoughts, the thoughts, whether the last one was closed).

    A closing word ends a thought even where none was opened: the opening one may have been part of the prompt, or
    dropped by whoever decoded. What stands before it, back to the last closing word, is thought, unless an opening
    word comes between: what precedes that is answer. Thoughts keep their order; their heading "thought" is dropped.
    """
    *closed, last = text.split(THOUGHT_ENDS)
    outside, thoughts = [], []
    for piece in closed:
        before, opened, within = piece.partition(THOUGHT_BEGINS)
        outside.append(before if opened else "")
        thoughts.append(within if opened else piece)
    before, opened, within = last.partition(THOUGHT_BEGINS)
    outside.append(before)
    if opened:
        thoughts.append(within)
    cleaned = (_HEADING.sub("", thought.replace(THOUGHT_BEGINS, ""), count=1).strip() for thought in thoughts)
    answer = "\n".join(piece.strip() for piece in outside if piece.strip())
    return answer, tuple(thought for thought in cleaned if thought), not opened


def _unmarked(text: str, reply: Reply) -> Reply:
    if not _HEADING.match(text):
        return reply
    told = "the reply begins like a thought but marks none: whoever decoded it may have dropped the marks"
    return reply.replace(warnings=(*reply.warnings, told))
