# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Should we believe it?
#
# [Open in Colab](https://colab.research.google.com/github) (choose `05_should_we_believe_it.ipynb` from the project's
# repository, or upload it there) · in JupyterLab press **Run → Run All Cells**
#
# *A coloured map over a film convinces everybody. What would have to happen for you to stop believing it?*
#
# A map is a claim about a model, and a claim can be put to the test. Here you meet a pretty map, find out that it
# does not say what it seems to say, and see one that passes where the first one failed. Then you are handed a model
# that looks excellent and is wrong on purpose, and a map shows you why.
#
# **You will** (1) ask a map about another finding, (2) shuffle a model's weights and watch its maps, (3) score maps
# against known lesions, beside maps that know nothing, (4) see a map that knows nothing do well, (5) catch a model
# that reads a mark in the corner instead of the lung, and (6) prove it by painting the mark over.
#
# | | |
# |---|---|
# | **Minutes** | 45 |
# | **Hardware** | any laptop; no GPU, no account, no network |
# | **Data** | synthetic films drawn here |
# | **Licence** | text, code and both demo models Apache-2.0 |
# | **Before** | [`03_attention`](03_attention.ipynb), [`04`](04_gradients_and_occlusion.ipynb) |

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
# medlab remembers what its tests found, and writes it under each map as a *verdict*; those of the demo model come with
# it. What this page finds itself goes to an empty memory, so that it is the same whatever you did before.

# %%
import os
import tempfile

os.environ["MEDLAB_CACHE"] = tempfile.mkdtemp()

# %% [markdown]
# **This line chooses the model.** Everything up to section 6 runs with any Gemma 3 or MedGemma that medlab can load,
# more slowly; the numbers below are the demo model's.

# %%
MODEL = "demo"
model = medlab.load_model(MODEL)

# %% [markdown]
# ## 1. A pretty map
#
# A film with fluid on the patient's right and a consolidation on the left, both outlined: it was drawn, so the truth
# is known. The model is asked "Is there a pleural effusion?" and rightly says yes. *Why?* One popular answer is
# **rollout**: multiply the attention of all layers, and colour where it ends up.

# %%
from medlab.explainers.trust.probes import probe_about


def why(model, case, finding, method):
    probe = probe_about(model, case, finding)  # the closed question, and the right reply before the other
    return medlab.explain(model, probe.query, probe.replies, method=method)


# %%
case = medlab.Phantom(size=224).draw(600_021, view="AP")
fluid = why(model, case, "effusion", "rollout")
medlab.show(fluid, case, smooth=True)

# %% [markdown]
# Smooth, warm, and on the fluid. Most slides would stop here. (The yellow line beside the map is medlab's own verdict
# and spoils the story: cover it, and find out what it means.) Before you read on, decide: would you show this to a
# colleague as the reason for the answer?

# %% [markdown]
# ## 2. Ask it about something else
#
# A map of the *reason* must change with the question. So ask about the consolidation, on the same film.

# %%
other = why(model, case, "consolidation", "rollout")
medlab.show([fluid, other], case, smooth=True, titles=["rollout: effusion", "rollout: consolidation"])

# %% [markdown]
# Nearly the same picture: both places are coloured both times. Rank all cells by colour and compare the two orders: 1
# is the same order, 0 is no relation. Beside it two plainer methods. *Input x gradient*: how much does the answer lean
# on each image token, to first order? *Knockout*: what does it lose when no word may look at that token?

# %%
from medlab.explainers.trust.sanity import correlation

for method in ("rollout", "input_x_gradient", "knockout"):
    pair = [why(model, case, finding, method).values for finding in ("effusion", "consolidation")]
    print(f"{method:<18} {correlation(*pair):5.2f}")

# %% [markdown]
# Rollout never asks which reply is being explained. It follows attention wherever it goes, and much of that was spent
# on the film before the question was read. The map shows *where something is*. It was on the fluid because there was
# fluid. It is not the reason for a word.

# %%
medlab.show(
    [why(model, case, finding, "input_x_gradient") for finding in ("effusion", "consolidation")],
    case,
    titles=["input x gradient: effusion", "input x gradient: consolidation"],
)

# %% [markdown]
# ## 3. Shuffle the model's weights
#
# The best known test of all (Adebayo 2018): destroy what the model has learned, and draw the map again. Weights are
# shuffled within each layer from the answer's end to the picture's, and put back afterwards. A map that stays the same
# does not show what the model knows.

# %%
from medlab.explainers.trust.scrambling import STAGES, scrambling

methods = ("rollout", "input_x_gradient", "edges")
before = {method: why(model, case, "effusion", method).values for method in methods}
with scrambling(model) as scramble:
    for stage in STAGES:
        scramble(stage)
        alike = [correlation(before[m], why(model, case, "effusion", m).values) for m in methods]
        print(f"{stage:<23}", *(f"{m} {round(a, 1) + 0:4.1f} " for m, a in zip(methods, alike, strict=True)))

# %% [markdown]
# `edges` is a control: the local contrast of the film, without any model. It does not notice that the model is gone,
# and is caught. Rollout does not mind that the upper half of the layers is gone, notices when the lower go too, and
# passes. **Passing one test is not a proof**: section 2 has already shown what is wrong with it.

# %% [markdown]
# ## 4. Thirty films and three maps that know nothing
#
# One film is an anecdote. `medlab.trust` asks about every finding of many films, draws each method's map where the
# model is right, and scores it against the lesion. `hit` is the pointing game: is the strongest place on the lesion?
# Three controls are always beside: chance, a bell in the middle, and the edges. `deep=0` leaves out the dearer tests.

# %%
table = medlab.trust(model, ["rollout", "input_x_gradient"], n=30, deep=0, progress=False)
for card in table.cards:
    hit, chance = card.score("hit"), card.score("chance")
    print(f"{card.method:<17} hit {hit.value:.2f} [{hit.ci_low:.2f}, {hit.ci_high:.2f}]  blind {chance.value:.2f}")

# %% [markdown]
# The brackets hold the value that all the world's films of this kind would give, 95 times of 100. *blind* is how large
# lesions are: the hit of a finger put down anywhere. A large heart is easily hit, a nodule is not, which is why no hit
# means anything without it.

# %%
from medlab.plots.trusttable import trust_table

cards = {card.method: card.scorecard for card in table.cards}
trust_table(cards, scores=["hit", "auroc", "iou best"])

# %% [markdown]
# Look at the column `auroc`, which many papers report: how likely has a pixel of the lesion more colour than
# another? By that number

# %%
for name in ("rollout", "edges", "centre", "input_x_gradient"):
    print(f"{name:<18} auroc {cards[name]['auroc'].value:.2f}   hit {cards[name]['hit'].value:.2f}")

# %% [markdown]
# rollout, which shows no reason, is best, and a bell in the middle, which has not even seen the film, does as well as
# the method whose maps follow the question. On 200 films of this kind the edge filter was ahead of it too, 0.68 to
# 0.65. A map of few strong places says nothing about most pixels of a lesion, and loses here; a smooth one wins.
# **No single number is a proof**, neither this one nor `hit`.

# %% [markdown]
# ## 5. The verdict
#
# medlab gives one line per method: where it points beside the controls, whether it survives shuffled weights, whether
# it tells two findings apart. The burden of proof is the method's. Ours was not tested in full, and so:

# %%
print(table["input_x_gradient"].verdict)

# %% [markdown]
# `medlab trust --model demo --n 200` runs everything, with the tests of sections 2 and 3 on thirty films and invisible
# noise and deletion besides: a job for a lunch break, or for a night, depending on the methods. For the demo model it
# has been run, and its maps carry what it found. Compare two methods: which of them would you show, and for what?

# %%
for method in ("rollout", "relevance"):
    print(why(model, case, "effusion", method).verdict, "\n")

# %% [markdown]
# What is refused is to rank methods on a handful of films:

# %% tags=["raises-exception"]
few = medlab.trust(model, ["rollout", "input_x_gradient"], n=8, deep=0, progress=False)
few.ranked()

# %% [markdown]
# ## 6. A model that looks excellent
#
# A ward prints a small square on the films of patients with an effusion: on 97 of 100 of those, and by mistake on 3 of
# 100 others. Somebody trained a model for this ward, and hands it to you with a test set from the same ward.

# %%
from medlab.phantom.style import PhantomStyle

ward = PhantomStyle(spurious="effusion", spurious_if_present=0.97, spurious_if_absent=0.03)
suspect = medlab.load_model("demo-shortcut")


def right(model, films):
    queries = [model.query(film, "Is there a pleural effusion?") for film in films]
    yes = [choices.probabilities[0] > 0.5 for choices in model.score_many(queries, ["Yes", "No"])]
    return sum(y == (film.state_of("effusion") == "present") for y, film in zip(yes, films, strict=True))


# %%
films = [medlab.Phantom(224, ward).draw(seed) for seed in range(900_000, 900_060)]
print(f"right on {right(suspect, films)} of {len(films)} films of the ward")

# %% [markdown]
# 95 %, a number for the abstract. The films are new, and none of these patients was in training. Now look where
# it looks, on a film with fluid, by knockout. Left the model from before, right the new one.

# %%
film = next(one for one in films if one.state_of("effusion") == "present")
maps = [why(one, film, "effusion", "knockout") for one in (model, suspect)]
medlab.show(maps, film, masks=["effusion", "spurious"], titles=["demo", "the ward's model"])

# %% [markdown]
# ## 7. Not one film: twelve
#
# Twelve patients with an effusion and nothing else, the square on each. `elsewhere` tells how often the strongest
# place misses the lesion and lies on something else that is on the film.

# %%
from medlab.phantom.vocabulary import present

marked = medlab.Phantom(224, PhantomStyle(spurious="effusion", spurious_if_present=1, distractors=0))
sick = [marked.draw(910_000 + i, findings=[present("effusion", "left", severity="moderate")]) for i in range(12)]
for one in (model, suspect):
    card = medlab.trust(one, ["knockout"], sick, deep=0, progress=False)["knockout"]
    print(f"{one.name:<14}", card.score("hit"), "|", card.score("elsewhere"))

# %% [markdown]
# Read this with care. The pointing game now gives the *map* a bad mark for a fault of the *model*: the map says
# truthfully that the model looks at the corner. So test methods on a model and films where the model is known to look
# at the lesion, and use them on the one that you suspect.

# %% [markdown]
# ## 8. Paint it over and ask again
#
# A map remains a claim. The square is small: take it away, and see what the model says then. This changes the film and
# needs no map at all.

# %%
from medlab.explainers.masking import ask_again

answer = suspect.ask(film, "Is there a pleural effusion?")
print("as it is:       ", answer.text)
for label in ("spurious", "effusion"):
    box = next(mask.box_px for mask in film.masks if mask.label == label)
    print(f"without {label:<9}", ask_again(suspect, answer, box).answer.text)

# %% [markdown]
# Without the square, no effusion, though both effusions are still on the film; painting one of those over changes
# nothing. In `medlab.explore(suspect, film)` the same is done with the mouse: drag over the corner, press "Mask it and
# ask again".

# %% [markdown]
# ## 9. What it is worth on another ward
#
# The same sixty patients where nobody prints squares, and where somebody prints them on everyone: the findings are the
# same, only the squares differ.

# %%
for told, chance in (("no squares", 0), ("squares on all", 1)):
    style = PhantomStyle(spurious="effusion", spurious_if_present=chance, spurious_if_absent=chance)
    elsewhere = [medlab.Phantom(224, style).draw(seed) for seed in range(900_000, 900_060)]
    print(f"{told:<15} demo {right(model, elsewhere)}, the ward's model {right(suspect, elsewhere)} of 60 right")

# %% [markdown]
# On the ward's own films, accuracy raised no question. One map did, and one painted square proved it. In real
# collections the square has been a metal marker of a hospital, a chest drain that shows that a pneumothorax was
# already treated, or the letters of a portable machine.

# %% [markdown]
# ## Your turn
#
# **Exercise 1.** Is the whole model spoilt, or one question? Ask the suspect whether there is a nodule on the ward's
# films, and count how often it is right.

# %% tags=["exercise"]
nodules = None  # your turn: as in `right`, with another question
print(nodules)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# queries = [suspect.query(film, "Is there a nodule?") for film in films]
# yes = [choices.probabilities[0] > 0.5 for choices in suspect.score_many(queries, ["Yes", "No"])]
# nodules = sum(y == (film.state_of("nodule") == "present") for y, film in zip(yes, films, strict=True))
# print(nodules, "of", len(films))
# assert nodules >= 48
# ```
#
# One question. A model can be sound in eight answers and spoilt in the ninth: test each one that you use.
#
# </details>
#
# **Exercise 2.** Input x gradient pointed well on the demo model. Does it find the square? Draw it for the suspect,
# and look at the four cells in rows 0 and 1, columns 2 and 3.

# %% tags=["exercise"]
corner = None  # your turn: `why` with another method
print(corner)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# for method in ("knockout", "input_x_gradient"):
#     values = why(suspect, film, "effusion", method).values
#     corner = values[:2, 2:4]
#     print(f"{method:<18} corner {corner.min():5.2f} to {corner.max():5.2f}, strongest of all {values.max():5.2f}")
# assert corner.max() < values.max()
# ```
#
# It does not: it gives the square the wrong sign, as if it spoke against an effusion. A slope says what a small change
# would do, not what the square does. What a method has earned on one model, it has not earned on the next.
#
# </details>

# %% [markdown]
# ## What this does not show
#
# - That a map which passes is *the* reason. The tests find bad maps; what survives has not been refuted, on this model
#   and these films.
# - Anything about real films. A phantom's lesions have exact masks and its square is easy to see; a real shortcut may
#   be a texture, a hospital's grey levels, the patient's posture. `elsewhere` can only count what somebody outlined.
# - That masking is innocent. A painted box is something to see as well, and a model may react to the paint.
# - How often models have shortcuts. This one was given its own: the card in `medlab/demo/shortcut` tells how.
#
# ## Next
#
# Back to the [list of notebooks](README.md).
