"""What was typed, checked before anything is read or loaded; and the library's errors in the words of a terminal.

The library tells its users what to write in Python. A person at a terminal is told the option that does the same; what
has none is left as it is. It knows words alone: neither scans nor models.
"""

import pathlib
import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from medlab.core.errors import CapabilityError, SpecError, near_names, shown

if TYPE_CHECKING:
    from medlab.core.query import Prompt

PICTURES = {".dcm", ".dicom", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".nii", ".gz", ".bmp", ".webp"}
EXAMPLE = '"Is there a pleural effusion?"'
MOST_NAMED = 5
"""prompts that are named where another one does not fit"""

WORDS = (
    (r'model\.ask\(None, (?:question|"[^"]*"|prompt)\)', 'medlab ask "QUESTION", without an image'),
    (r'model\.ask\(scan, prompt, (\w+="[^"]*")(?:, \w+="[^"]*")*\)', r"--fill \1, once for each name"),
    (r"model\.gate\.allow\(\"(\w+)\"\)", r"--allow \1"),
    (r"model\.gate\.clear\(\*?scans?\)", "--looked, if you saw that no word in them names anybody"),
    (r"EndpointModel\(url, model=['\"]([^'\"]*)['\"]\)", r'--served "\1"'),
    (r"(?:medlab\.)?load_model\([\"']([^\"']+)[\"']\)(?:\.ask\(scan, question\))?", r"--model \1"),
    (r'MODEL = "([^"]+)"', r"--model \1"),
    (r'medlab\.prompts\.load\("([^"]+)", language="([^"]+)"\)', r"--prompt \1 --lang \2"),
    (r"medlab\.prompts\.names\(\)", "docs/prompts.md lists them"),
    (r"(?:a larger )?(?:decoding=)?Decoding\(max_new_tokens=[^)]*\)", "a larger --tokens"),
    (r"(?:raise )?max_new_tokens(?![\w=])", "--tokens"),
    (r"medlab\.load_scan\(\.\.\., frame=(\d+)\)", r"medlab scan FILE --frame \1"),
    (r"full_range=True, or window=\(centre, width\)", '--window "centre,width" (medlab scan)'),
    (r"model\.score\([^)]*\)(?:\))?", '--choose "Yes|No"'),
)
"""(what the library says, what does it here), in this order"""


def in_words(text: str) -> str:
    """`text` of an error or a warning, with what is to be written in Python as options of the command line."""
    for pattern, words in WORDS:
        text = re.sub(pattern, words, text)
    return text


def check_question(words: Sequence[str]) -> None:
    """Raises SpecError where `words`, images and then one question, hold none, or one without quotation marks."""
    *files, question = words
    said = [word for word in words if not looks_like_a_file(word)]
    command = " ".join(["medlab ask", *(shlex.quote(word) for word in words if looks_like_a_file(word))])
    if looks_like_a_file(question):
        told = f"{shown(question)} and no question" if not said else f"{shown(question)} after the question"
        raise SpecError(told, accepted="IMAGE... QUESTION", fix=f"{command} {_quoted(said) or EXAMPLE}")
    if not question.strip():
        raise SpecError("the question is empty", fix=f"{command} {EXAMPLE}")
    first = next((place for place, word in enumerate(files) if not looks_like_a_file(word)), None)
    if first is not None and not any(character.isspace() for character in question):
        raise SpecError(
            f"{shown(words[first])} is no file, and the question has no quotation marks",
            accepted='IMAGE... "QUESTION"',
            fix=f"{command} {_quoted(said)}",
        )


def looks_like_a_file(word: str) -> bool:
    path = pathlib.Path(word)
    plain = word.strip() and "\n" not in word and len(word) < 1000
    return bool(plain) and (path.suffix.lower() in PICTURES or path.exists())


def choices_of(text: str) -> tuple[str, ...]:
    """("Yes", "No") of "Yes|No". Raises SpecError for fewer than two, an empty one or one that stands twice."""
    choices = tuple(choice.strip() for choice in text.split("|"))
    if len(choices) < 2 or not all(choices) or len(set(choices)) < len(choices):
        raise SpecError(
            f"--choose {shown(text, 80)}",
            accepted="two or more different replies with a | between them",
            fix='--choose "Yes|No"',
        )
    return choices


def values_of(fills: Sequence[str]) -> dict[str, str]:
    """{"finding": "pleural effusion"} of what --fill was given."""
    values = {}
    for fill in fills:
        name, equals, value = fill.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise SpecError(
                f"--fill {shown(fill, 80)}", accepted="NAME=VALUE", fix='--fill finding="pleural effusion"'
            )
        values[name.strip()] = value.strip()
    return values


def check_prompt(prompt: "Prompt", images: int, values: dict[str, str], others: "Sequence[Prompt]") -> None:
    """Raises SpecError where a prompt cannot be filled with so many images and these values.

    others  prompts of the same language, those that suit best first: of them it names what takes so many images
    """
    if prompt.images not in (None, images) or (prompt.images is None and not images):
        fitting = [one.name for one in others if one.images in (None, images)]
        choice = f"--prompt {' or '.join(fitting[:MOST_NAMED])}, or " if fitting else ""
        raise SpecError(
            f"{images} image(s) for prompt {prompt.name}",
            accepted="one or more" if prompt.images is None else f"{prompt.images} image(s)",
            fix=f'{choice}medlab ask {"IMAGE " * min(images, 2)}"QUESTION"' if images else "medlab report IMAGE",
        )
    missing = [name for name in prompt.variables if name not in values]
    unknown = [name for name in values if name not in prompt.variables]
    if missing or unknown:
        what = [f"no value for {name}" for name in missing] + [f"nothing to fill called {name}" for name in unknown]
        raise SpecError(
            f"prompt {prompt.name}: {', '.join(what)}",
            accepted=f"a value for each of {', '.join(prompt.variables)}" if prompt.variables else "no --fill",
            fix=" ".join(f'--fill {name}="…"' for name in prompt.variables) or "leave --fill out",
        )


def check_stays_here(model: str, **options: object) -> None:
    """Raises SpecError where an option of an endpoint was given with a model of this machine."""
    given = next((name for name, value in options.items() if value), None)
    if given and not model.startswith("endpoint:"):
        raise SpecError(
            f"--{given} with {shown(model, 80)}, which runs on this machine: nothing leaves it",
            accepted=f"--{given} with --model endpoint:URL",
            fix="leave it out",
        )


def check_writes(model: str) -> None:
    """Raises CapabilityError for a model that is known to write no answers, before it is fetched or read."""
    from medlab.models.catalog import entry_of_hub, entry_of_name

    known = entry_of_name(model) or entry_of_hub(model.partition("@")[0])
    if known is not None and known.task == "image-embedding":
        raise CapabilityError(
            f"{known.name} compares pictures with captions and writes no answer",
            accepted="a model that writes: `medlab models` lists them",
            fix="--model demo; what it is for is done in Python: docs/embeddings.md",
        )


def wrong_command(word: str, known: Sequence[str]) -> str:
    """What is said of a command of `medlab chat` that there is not."""
    near = near_names(word, known, 1)
    return f"no command {shown(word, 40)}" + (f", did you mean {near[0]}?" if near else "")


def _quoted(words: Sequence[str]) -> str:
    """The words as one argument of a shell."""
    said = " ".join(words)
    return said and (f'"{said}"' if not re.search(r'["$`\\!]', said) else shlex.quote(said))
