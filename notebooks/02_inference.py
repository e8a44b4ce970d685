# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What did it say, and how sure was it?
#
# [Open in Colab](https://colab.research.google.com/github) (choose `02_inference.ipynb` from the project's
# repository, or upload it there) · in JupyterLab press **Run → Run All Cells**
#
# *A model answers every question, also those that nobody could answer. What can be read from an answer besides its
# words, and what can not?*
#
# A vision-language model turns a picture into a few hundred vectors, puts them in front of your words, and then says
# one token after another. Each token was chosen from a list with probabilities. Here you ask such a model, look at
# those probabilities, talk to it in English and Chinese, and then show it something that it has never seen.
#
# **You will** (1) ask about a film and read the log-probability of each word, (2) turn yes and no into a number that
# can be scored, (3) hold a conversation, compare two visits and get boxes back in pixels, (4) tell a question that
# a picture cannot answer from one that it can, and (5) see what a confident answer about a real patient is worth when
# the model only knows synthetic ones.
#
# | | |
# |---|---|
# | **Minutes** | 40 |
# | **Hardware** | any laptop; no GPU, no account, no network |
# | **Data** | synthetic films drawn here; one real, public, de-identified film of `pydicom-data` |
# | **Licence** | text, code and demo model Apache-2.0; the real film MIT (pydicom-data) |
# | **Before** | [`01_loading`](01_loading.ipynb) |

# %% [markdown]
# ## Set up
#
# The same cell as in every notebook: it installs the package `medlab-workbench` where medlab is missing, and otherwise
# does nothing.

# %% tags=["setup"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("medlab") is None:  # Colab, or a kernel without medlab
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "medlab-workbench[samples,codecs]"], check=True)
import medlab

# %%
# NBVAL_IGNORE_OUTPUT
medlab.about()

# %% [markdown]
# **This line chooses the model.** `"demo"` is a small Gemma 3, the architecture of MedGemma, that comes with medlab.
# It was trained on synthetic chest films and on nothing else. On a machine with the weights, `"medgemma-1.5-4b-it"`
# goes here and everything below runs with it; only the answers differ.

# %%
MODEL = "demo"
model = medlab.load_model(MODEL)

# %% [markdown]
# ## 1. One film, one question
#
# A phantom, so that the truth is known: the figure tells it. The model sees the pixels alone.

# %%
phantom = medlab.Phantom(size=512)
case = phantom.draw(seed=27)
medlab.show(case)

# %%
answer = model.ask(case, "Describe this chest X-ray.")
print(answer.text)

# %% [markdown]
# The answer is a record. Besides the text it holds every token with its **log-probability**: the natural logarithm of
# the chance that the model gave it, at that place, after all it had said before. 0 is certain; -0.7 is one in two.

# %%
import math

for token in answer.tokens[:14]:
    print(f"{token.text!r:<18} {math.exp(token.logprob_nats):6.2f}")

# %% [markdown]
# Where the list has a low number, the model could as well have said something else. Read it with care: it is often the
# *wording* that is open ("There is" or "No"), not the finding. A probability belongs to a word, not to a fact.

# %% [markdown]
# ## 2. Yes or no, as a number
#
# To ask how likely a *finding* is, fix the words: how likely is the reply "Yes", how likely "No"? `score` generates
# nothing. It asks for the probability of the replies that you give it.

# %%
weighed = model.score(model.query(case, "Is there a nodule?"), ["Yes", "No"])
print(weighed)

# %% [markdown]
# One number for each film: with that, twelve films can be put in order. `score_many` does it in one go. A good model
# puts those with fluid on top. Where to cut is your decision, not the model's: a screening clinic cuts lower.

# %%
films = [phantom.draw(seed=seed) for seed in range(100, 112)]
queries = [model.query(film, "Is there a pleural effusion?") for film in films]
shares = [choices.probabilities[0] for choices in model.score_many(queries, ["Yes", "No"])]
for share, film in sorted(zip(shares, films, strict=True), key=lambda pair: -pair[0]):
    print(f"{share:5.2f}  {film.id:<12} effusion: {film.state_of('effusion')}")

# %% [markdown]
# ## 3. The same film in Chinese
#
# The demo model was taught both languages from the same films. What MedGemma's publisher claims is English alone; a
# question in Chinese works now and then, and `answer.warnings` says that nobody measured it.

# %%
print(model.ask(case, "请描述这张胸片。").text)

# %% [markdown]
# Do the two reports say the same? Not by eye: the phantom's parser reads both back into findings.

# %%
from medlab.phantom import parse_report

for question in ("Describe this chest X-ray.", "请描述这张胸片。"):
    found = [f for f in parse_report(model.ask(case, question).text) if f.state == "present"]
    print(" · ".join(" ".join(filter(None, (f.severity, f.side, f.zone, f.name))) for f in found))

# %% [markdown]
# ## 4. Many questions, one film
#
# Nine questions about one film need not look at it nine times. `ask_many` encodes the film once and keeps what the
# language model has read of it; the answers are the same as one by one. Section 12 measures what that saves.

# %%
questions = [q.question for q in case.questions if q.kind == "yes_no" and q.language == "en"]
for question, told in zip(questions, model.ask_many(case, questions), strict=True):
    print(f"{question:<45} {told.text}")

# %% [markdown]
# ## 5. A conversation
#
# In a dialogue every question goes out together with all that was said before, so "it" can mean something. That is
# also how a dialogue goes wrong: a false answer is read again as if it were true. `reset()` forgets, `save` keeps.

# %%
talk = model.chat(case)
for question in ("Is there a nodule?", "Where is it?", "Give its bounding box as JSON."):
    print(f"> {question}\n{talk.ask(question).text}")

# %% [markdown]
# ## 6. Boxes, in pixels of your film
#
# The last answer was text in the form of MedGemma 1.5: edges from 0 to 1000 of the padded square that the model saw.
# medlab reads them and maps them back to pixels of *this* film. Left: what the model says. Right: the truth.

# %%
said = talk.turns[-1].answer
print(said.boxes)

# %%
told = medlab.Case("said", scans=case.scans, boxes=said.boxes)
medlab.show([told, case], masks=["nodule"], titles=["said", "true"])

# %% [markdown]
# ## 7. Two visits
#
# Several scans go into one question, the earlier first. Nothing in a model forces it to look at both, and a model that
# ignores the first film can still sound right: compare with the truth.

# %%
before, after = phantom.visits(seed=15)
medlab.show([before, after], masks=False, boxes=False, titles=["before", "after"])

# %%
print("model:", model.ask([*before.scans, *after.scans], "Compare these two films.").text)
print("truth:", after.report("en").comparison)

# %% [markdown]
# ## 8. Questions that a picture cannot answer
#
# A model should say so when a film cannot tell, and should not accept what a question takes for granted: this film
# has no pleural effusion. The demo model was taught both. Most models were not: try these on any that you use.

# %%
for question in ("What is the patient's blood pressure?", "Where is the pleural effusion?", "Does the patient smoke?"):
    print(f"> {question}\n{model.ask(case, question).text}")

# %% [markdown]
# Without a picture it still speaks. It knows a little about its own world, and says where that ends.

# %%
for question in ("What is a pneumothorax?", "What is the capital of France?", "Describe this chest X-ray."):
    print(f"> {question}\n{model.ask(None, question).text}")

# %% [markdown]
# ## 9. Wording matters
#
# What one asks is data too. medlab packages prompts with their purpose and source, and a linter that says when one
# does not suit a model: here Google's own wording for boxes, and a Chinese prompt, for the first MedGemma.

# %%
from medlab import prompts
from medlab.models.catalog import entry

for name, language in (("localise", "en"), ("report", "zh")):
    for advice in prompts.lint(prompts.load(name, language=language), entry("medgemma-4b-it")):
        print(f"{name}: {advice}\n")

# %% [markdown]
# ## 10. A real patient
#
# Now the film of notebook 01: a real one. The model has never seen a real film, only drawings.

# %%
from medlab.loaders.samples import sample_path

real = medlab.load_scan(sample_path("chest-cr"))
told = model.ask(real, "Describe this chest X-ray.")
print(told.text)

# %% [markdown]
# It does not stop, stutter or hesitate. It writes the report of some phantom. How sure is it?

# %%
sure = math.exp(told.logprob_nats / len(told.tokens))
print(f"mean probability of a word: {sure:.2f} on the real film,", end=" ")
print(f"{math.exp(answer.logprob_nats / len(answer.tokens)):.2f} on the phantom")

# %% [markdown]
# **A probability says how usual a word is for this model. It does not say whether the model has any business with this
# picture.** That needs another measure, which looks at the picture and not at the words: how far is it from everything
# the model was trained on?

# %%
for warning in told.warnings:
    print(warning)
print("on the phantom:", answer.warnings or "no warning")

# %% [markdown]
# The demo model carries such a guard. A checkpoint from a hub carries none, and nobody can tell you where its
# knowledge ends. Keep this cell in mind when a large model describes *your* film as fluently as this one did.

# %% [markdown]
# ## 11. Questions for the night
#
# A study asks thousands of questions. `ask_batch` takes them lazily, in batches, and keeps each answer on disk as it
# comes. Pull the plug in the middle: the same line asks only what is missing.

# %%
import pathlib
import tempfile

store = pathlib.Path(tempfile.mkdtemp(), "answers.jsonl")
queries = [model.query(film, "List the findings and devices.") for film in films]
first_half = list(model.ask_batch(queries[:6], store=store, progress=False))
everything = list(model.ask_batch(queries, store=store, progress=False))
print(len(first_half), "asked before,", len(everything), "in all; the same:", first_half == everything[:6])

# %% [markdown]
# ## 12. What each costs
#
# First time. The same questions on this machine: one, all of them one by one, and all by `ask_many`. `forget` drops
# what the model keeps of a film, so that each measurement begins anew.

# %%
import time


def seconds(ask, *asked):
    model.forget()
    began = time.perf_counter()
    ask(*asked)
    return time.perf_counter() - began


# %%
# NBVAL_IGNORE_OUTPUT
print(f"one question:     {seconds(model.ask, case, questions[0]):6.2f} s")
print(f"{len(questions)}, one by one:   {sum(seconds(model.ask, case, one) for one in questions):6.2f} s")
print(f"{len(questions)}, by ask_many:  {seconds(model.ask_many, case, questions):6.2f} s")

# %% [markdown]
# Then memory. Other models go by other names. What each needs for one question about one film, in GB, by the numbers
# that its weights are held in; and what to write on this machine:

# %%
# NBVAL_IGNORE_OUTPUT
from medlab.models.fits import fits
from medlab.models.placement import this_machine

for name in ("medgemma-1.5-4b-it", "medgemma-27b-it", "medsiglip-448"):
    fit = fits(entry(name), this_machine())
    needs = ", ".join(f"{way.words} {way.need.total / 1e9:.1f}" for way in fit.ways)
    print(f"{name}: {needs}\n    {fit.call or 'does not fit here'}")

# %% [markdown]
# The demo model is a few megabytes and fits everywhere. `medlab models --fits` prints this for the whole catalog. That
# a model fits does not make it quick: on a processor without a GPU a MedGemma takes minutes for one answer.

# %% [markdown]
# ## Your turn
#
# **Exercise 1.** A model that says "yes" to everything finds every nodule. Score `films` for nodules and find the
# cut at which as many films as possible are judged rightly. How many are right at 0.5?

# %% tags=["exercise"]
cut, right = 0.5, None  # your turn: the share of films judged rightly at your cut
print(cut, right)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# asked = [model.query(film, "Is there a nodule?") for film in films]
# nodules = [choices.probabilities[0] for choices in model.score_many(asked, ["Yes", "No"])]
# truth = [film.state_of("nodule") == "present" for film in films]
# cuts = [0.1, 0.3, 0.5, 0.7, 0.9]
# judged = {cut: sum((n > cut) == t for n, t in zip(nodules, truth, strict=True)) / len(films) for cut in cuts}
# cut, right = max(judged.items(), key=lambda pair: pair[1])
# print(judged, "best:", cut, right)
# ```
#
# Twelve films are few: the best cut on these is not the best cut on the next twelve. Choose it on other films than
# those you report on.
#
# </details>
#
# **Exercise 2.** Does the model look at the film at all? Ask the same question of a black square and of a mirrored
# film (right and left exchanged). Which of its answers *should* change?

# %% tags=["exercise"]
mirrored = case.scans[0]  # your turn: load_scan takes an array
print(model.ask(mirrored, "Where is the nodule?").text)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# import numpy as np
#
# pixels = case.scans[0].to_uint8()
# mirrored, black = medlab.load_scan(pixels[:, ::-1].copy()), medlab.load_scan(np.zeros_like(pixels))
# for name, scan in (("as it is", case.scans[0]), ("mirrored", mirrored), ("black", black)):
#     told = model.ask(scan, "Where is the nodule?")
#     print(f"{name:<9} {told.text:<26} {'warned' if told.warnings else 'no warning'}")
# ```
#
# The side should change with the mirror, and of a black square nothing should be said at all. Whether a warning comes
# shows what the guard measures: not truth, but likeness to what was trained on.
#
# </details>

# %% [markdown]
# ## What this does not show
#
# - *Why* it said so. The next notebooks ask for the region behind a word, and whether to believe the map.
# - How good it is. Twelve films are an anecdote; evaluation needs many, and intervals.
# - A doctor. The demo model knows nine findings of drawn chests. Nothing here is a diagnosis, of anyone.
#
# ## Next
#
# [`03_attention`](03_attention.ipynb) asks where the model looked when it said so, and whether that mattered.
