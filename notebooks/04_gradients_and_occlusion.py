# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What if the film had been different?
#
# [Open in Colab](https://colab.research.google.com/github) (choose `04_gradients_and_occlusion.ipynb` from the
# project's repository, or upload it there) · in JupyterLab press **Run → Run All Cells**
#
# *To learn what an answer rests on, change the film and ask again. Change it a little everywhere, or a lot in one
# place? The two give different maps. Which question did you mean?*
#
# A **gradient** says how the answer would move if every pixel moved a hair's breadth: one pass forwards, one back, all
# cells at once. **Occlusion** hides a part and asks again: slow, honest, and a hidden part is a new picture. Between
# the two lie a dozen methods, all of which draw a colourful map. Here you run them on one film whose truth you know,
# and ask of each: what was changed, in which unit is the answer, and what did it cost?
#
# **You will** (1) choose a score worth explaining, (2) nudge: saliency, input times gradient, SmoothGrad, (3) check
# integrated gradients by their sum, (4) see why a class activation map need not mean much here, (5) hide: pixels,
# tokens, squares, random masks, and learn why the parts do not add up, (6) share the effect out fairly, and (7) know
# the price before you pay it.
#
# | | |
# |---|---|
# | **Minutes** | 45 |
# | **Hardware** | any laptop; no GPU, no account, no network |
# | **Data** | synthetic films drawn here |
# | **Licence** | text, code and demo model Apache-2.0 |
# | **Before** | [`03_attention`](03_attention.ipynb) |

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
# **This line chooses the model.** With `"medgemma-1.5-4b-it"` everything below runs too, where the weights are; look
# at section 9 first, for what it will cost.

# %%
MODEL = "demo"
model = medlab.load_model(MODEL)

# %% [markdown]
# ## 1. A score worth explaining
#
# The film of the last notebook: a nodule in the right lower zone, an effusion on the left. The model finds both.

# %%
case = medlab.Phantom(size=512).draw(seed=700_370)
nodule = model.query(case, "Is there a nodule?")
effusion = model.query(case, "Is there a pleural effusion?")
for query in (nodule, effusion):
    print(query.messages[0].parts[-1].text, model.score(query, ["Yes", "No"]))

# %% [markdown]
# A map explains a number. Which? The log-probability of "Yes" is a poor choice: where the model is sure it is nearly
# 0, and a little more or less evidence does not move it. The **contrast**, "Yes" rather than "No", is the
# log-probability of the one less that of the other. It has no ceiling, and it forgets what speaks for either word
# alike.
#
# Its unit is the nat: 0.7 is a factor of two in the odds, 2.3 a factor of ten. Each map also says how many nats of the
# score *rest on the film*: what is lost when no word may look at it.

# %%
YES = ("Yes", "No")
for target in ("Yes", YES):
    one = medlab.explain(model, effusion, target, method="saliency")
    print(f"{target!s:<15} score {round(one.score_nats, 1) + 0.0:4.1f}   strongest cell {one.values.max():5.2f}")

# %% [markdown]
# The same film, the same answer; the strongest gradient of the contrast is over a thousand times as large, because the
# other score sits at its ceiling. From here on we explain contrasts.

# %% [markdown]
# ## 2. Nudge: three kinds of gradient
#
# **Saliency** is the size of the gradient at each pixel, added up in each square. **Input times gradient** multiplies
# it with what is there, over a picture without content, so it has a sign. **SmoothGrad** averages over noisy copies
# first. **Predict**: which will lie on the effusion?

# %%
nudges = [medlab.explain(model, effusion, YES, method=name) for name in ("saliency", "input_x_gradient")]
nudges.append(medlab.explain(model, effusion, YES, method="smoothgrad", samples=8))
medlab.show(nudges, case)

# %%
from medlab.core.grid import to_cells


def lies_on(one, label):
    masks = [mask.pixels.astype("float32") for mask in case.masks if mask.label == label]
    share = to_cells(sum(masks), one.fit, one.values.shape)
    return bool(share.flat[one.values.argmax()] > 0.01)


for one in nudges:
    print(f"{one.method:<18} strongest cell on the effusion: {lies_on(one, 'effusion')}")

# %% [markdown]
# Saliency and SmoothGrad answer: *where would a tiny change matter?* That is where the model is undecided, such as the
# edge of the effusion, and also where it is merely sensitive to noise. It is not where the evidence is: what is
# plainly there is saturated, and a hair more of it changes nothing. Mind the unit under the bar, too: it is the
# method's own, so that bars of two methods cannot be compared.

# %% [markdown]
# ## 3. Integrated gradients: a map with a receipt
#
# Walk from a picture without content to this one in small steps, and add up the gradients on the way. By the
# fundamental theorem of calculus the map then adds up to the change of the score from start to end. So it can be
# *checked*: what is missing is the **completeness error**, and every map of medlab carries it.

# %%
walks = {
    steps: medlab.explain(model, effusion, YES, method="integrated_gradients", steps=steps) for steps in (1, 4, 16)
}
for steps, one in walks.items():
    print(f"{steps:>2} steps: the map adds up to {one.values.sum():5.1f}, missing {one.completeness_error:4.1f} nats")

# %% [markdown]
# One step is nothing but input times gradient half-way, and off by much; four are not enough. Sixteen will do. A map
# of integrated gradients without its error is a receipt without a total.
#
# What the check does not tell: is the *start* a good one? "Nothing there" can be the mean of the film's own tokens, a
# black film, or zeros. Each asks another question, "compared to what?", and gets another answer.

# %%
starts = [walks[16]]
starts.append(medlab.explain(model, effusion, YES, method="integrated_gradients", steps=16, baseline="blank"))
medlab.show(starts, case, titles=["from the film's mean token", "from a black film"])

# %%
for name, one in zip(("mean", "black"), starts, strict=True):
    top = one.values.max() / one.values.clip(0).sum()
    print(f"{name:<6} adds up to {one.values.sum():5.1f}; {top:.1f} of what speaks for it is in one cell")

# %% [markdown]
# ## 4. A class activation map, and why it may mean nothing
#
# In a convolutional network each channel of the last layer is a little picture that stays in place. **Grad-CAM**
# weighs each channel by its mean gradient over all places. In a transformer there are no such pictures: every token
# has looked at every other, and a channel can speak for the answer here and against it there. The mean over places
# throws that away. **HiResCAM** keeps it: it multiplies place by place.
#
# Both are drawn below at the image tokens, one pass forwards and one back. **Predict** where each is strongest.

# %%
cams = [medlab.explain(model, effusion, YES, method=name, at="tokens") for name in ("gradcam", "hirescam")]
medlab.show(cams, case)

# %%
for one in cams:
    print(f"{one.method:<9} strongest cell on the effusion: {lies_on(one, 'effusion')}")

# %% [markdown]
# Grad-CAM is the most printed map in medical imaging, and here it is a colourful nothing. The code is right: with the
# states laid out like a convolution's it gives captum's numbers. The *method* does not fit the model. Nothing in the
# picture would have told you, had you not known where the effusion is.

# %% [markdown]
# ## 5. Hide: pixels
#
# Now the blunt way: put a grey square over a part of the film, and ask from the first step. `cells=7` makes 49
# squares, so the whole model runs 50 times. It needs nothing but the score of a given reply, and so works on models
# that cannot be looked into at all.

# %%
hidden = medlab.explain(model, nodule, YES, method="occlusion", cells=7)
medlab.show(hidden, case)

# %%
mask = next(mask for mask in case.masks if mask.label == "nodule")
touches = to_cells(mask.pixels.astype("float32"), hidden.fit, hidden.values.shape) > 0
deadly = hidden.values > hidden.effect_nats / 2
print(f"the film is worth {hidden.effect_nats:.0f} nats; {deadly.sum()} squares cost more than half of that")
print(f"of these {(deadly & touches).sum()} touch the nodule, and {(deadly & ~touches).sum()} do not")

# %% [markdown]
# That *is* cause: this square away, answer gone. But look where else: a grey square in the same lung that leaves the
# nodule in full sight takes the answer away as well. The square hides nothing there that we know of. It is something
# to *see*, sharp-edged and grey, such as the model never met.
#
# **Predict**: on a healthy film, can a grey square bring the model nearer to *seeing* a nodule? And a black one?

# %%
healthy = medlab.Phantom(size=512).draw(seed=700_001, findings=())
clear = model.query(healthy, "Is there a nodule?")
greys = {fill: medlab.explain(model, clear, YES, method="occlusion", cells=7, fill=fill) for fill in ("mean", "black")}
for fill, one in greys.items():
    print(f"{fill:<6} hiding a square moves the score by at most {-one.values.min():.0f} nats towards Yes")

# %%
medlab.show(greys["mean"], healthy)

# %% [markdown]
# Blue squares: with these hidden, "Yes" becomes *likelier*. We do not know of anything there that spoke for "No"; the
# square itself looks a little like something. Black does less harm to this question on this film, and may do more to
# another. There is no neutral filling. What one measures is always "this instead of that".

# %% [markdown]
# ## 6. Hide: tokens, and attention
#
# A square of tokens can be hidden *behind* the tower, so that the tower runs once: `token_occlusion` puts the mean
# token in its place. Cheaper still, and with no filling at all: `knockout` leaves the film as it is and forbids the
# words to look at a token. All 196 cuts are packed into few passes. It is the cheapest test of cause that there is.

# %%
for name in ("knockout", "token_occlusion"):
    cut = medlab.explain(model, nodule, YES, method=name, cells=2, stride=2)
    print(f"{name:<16} hit: {lies_on(cut, 'nodule')}; worst square costs {cut.values.max():.1f} nats")

# %% [markdown]
# Now cut single tokens, and then squares of nine. **Predict** the sum of all single cuts: the whole film is worth
# eleven nats, so will the parts add up to eleven?

# %%
single, nine = (medlab.explain(model, nodule, YES, method="knockout", cells=cells) for cells in (1, 3))
print(f"the whole film: {single.effect_nats:.0f} nats; all single cuts: {round(float(single.values.sum()))}")
print(f"worst single cut: {single.values.max():.1f} nats; worst square of nine: {nine.values.max():.1f}")
medlab.show([single, nine], case, titles=["single tokens", "squares of 3 by 3"])

# %% [markdown]
# The parts do not add up, by far. The nodule lies on four tokens, and their neighbours have looked at them: hide one,
# and the others still tell. **A cell without effect may hold evidence that is repeated.** A weak map of this kind does
# not mean that the film does not matter.

# %% [markdown]
# ## 7. Hide half of everything, many times
#
# If evidence repeats itself, hide much at once. **RISE** draws random masks that hide half of the film, and asks of
# each cell whether the score is higher when it is in sight, whatever else is. Being a sample, it has a **standard
# error** in each cell, and it can be stopped at *any time*: the map gets sharper as it runs. Here we stop when the
# worst error is below 0.7 nats.

# %%
from medlab.explainers.aims import aim_at
from medlab.explainers.explain import request_for
from medlab.explainers.methods import make_method

request = request_for(model, aim_at(model, nodule, YES))
for number, so_far in enumerate(make_method("rise_knockout", masks=600).steps(request), start=1):
    worst = so_far.standard_error.max()
    print(f"{50 * number:>4} masks: standard error at most {worst:.2f}, strongest {so_far.values.max():.0f} nats")
    if worst < 0.7:
        break

# %% [markdown]
# Ten times as many masks make the error about three times smaller: it falls with the square root. What lies within two
# standard errors of 0 is nothing, however colourful. And a map of RISE is blurred: what lies beside the evidence is
# often seen together with it.

# %% [markdown]
# ## 8. Fair shares
#
# Who gets the credit, if it takes two? The **Shapley value** lets regions come into sight in random orders, and
# credits each with what the score gains on the average. It is the only sharing that adds up to the whole, treats like
# regions alike, and gives nothing to what never matters. Here with the four quarters of the film; the patient's right
# is at the left.

# %%
for query, name in ((nodule, "nodule"), (effusion, "effusion")):
    fair = medlab.explain(model, query, YES, method="shapley", regions="grid:2", orders=24)
    half = len(fair.values) // 2
    quarters = fair.values.reshape(2, half, 2, half).sum((1, 3))
    print(f"{name}: the film is worth {fair.effect_nats:.0f} nats, the quarters {quarters.sum():.0f}")
    print(quarters.round().astype(int))

# %% [markdown]
# The nodule's quarter is the lower left one, the effusion's the lower right. The one gets all of it; the other gets
# more than all, because the rest of the film speaks a little *against* an effusion. Regions may also be masks, of
# organs for instance: `regions=(mask, mask, ...)`. But within a region nothing is told apart.

# %% [markdown]
# ## 9. The price, before you pay
#
# `medlab.estimate` takes what `medlab.explain` takes, and draws nothing. Passes through the tower and tokens through
# the language model do not depend on the machine:

# %%
names = ["relevance", "knockout", "integrated_gradients", "rise_knockout"]
names += ["token_occlusion", "occlusion", "rise_tokens"]
costs = {name: medlab.estimate(model, nodule, YES, method=name) for name in names}
for name, cost in costs.items():
    print(f"{name:<21} tower {cost.tower_passes:4.0f} times, {cost.language_tokens:9,.0f} language tokens")

# %% [markdown]
# Seconds do, and memory a little. Seconds are reckoned from the speed that is measured on yours, half or double is no
# surprise; memory is what torch should hold beside the weights. What did the knockout of section 6 really take?

# %%
# NBVAL_IGNORE_OUTPUT
for name, cost in costs.items():
    print(f"{name:<21} about {cost.seconds:6.2f} s and {cost.peak_bytes / 2**20:3.0f} MB beside the weights")
print(f"the knockout of section 6 took {single.seconds:.2f} s")

# %% [markdown]
# ## 10. Three that a person meets first
#
# Without a method named, `medlab.explain` runs three: *instant* (relevance, of notebook 03), *refine* (RISE over
# knockouts) and *reference* (RISE on tokens). What would take more than a minute on your machine is left out, and the
# picture says so; here we name all three. Under the picture stands how far they agree. For a word of the report: why
# "left", and not "right"?

# %%
answer = model.ask(case, "Describe this chest X-ray.")
print(answer.text)
three = medlab.explain(model, answer, ("left", "right"), method=["instant", "refine", "reference"])
medlab.show(three, case)

# %%
for one in three.attributions:
    print(f"{one.method:<14} causal: {one.causal!s:<5}  hit: {lies_on(one, 'effusion')}")

# %% [markdown]
# Three methods that change different things point at one place. That is worth more than one map, and less than a
# proof: methods can share a fault. Where they disagree, do not choose the nicest; find out why.
#
# ## 11. Take it home
#
# A figure that is saved carries in its metadata who made it: method and settings, model, question and film, each by
# its fingerprint. `.svg` works as well. Whoever finds the picture in three years can tell what it is.

# %%
import pathlib
import tempfile

import PIL.Image

path = medlab.show(three["relevance"], case).save(pathlib.Path(tempfile.mkdtemp(), "left.png"))
told = PIL.Image.open(path).text
print(sorted(told))
for name, one in {"map": three["relevance"], "model": model}.items():
    print(f"{name} told: {one.fingerprint in told['Source']}")

# %% [markdown]
# ## 12. By hand
#
# All of this is one click away in the **explorer**: words on one side, film on the other, each leading to the other.
# Write `panel` in a cell of its own to open it. Hover over a word; drag a region and see which words it feeds; mask it
# and ask again. What the mouse does can be called, too:

# %%
panel = medlab.explore(model, case)
panel.look("left", against="right", method="knockout")
print("film looked at for:", panel.attribution.target, " hit:", lies_on(panel.attribution, "effusion"))

# %% [markdown]
# ## Your turn
#
# **Exercise 1.** How large a square must be cut to cost at least half of what the film is worth for the nodule? Try
# `cells` from 2 to 6.

# %% tags=["exercise"]
side = 1  # your turn
cut = medlab.explain(model, nodule, YES, method="knockout", cells=side)
print(f"{cut.values.max():.1f} of {cut.effect_nats:.1f} nats")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# for side in range(2, 7):
#     cut = medlab.explain(model, nodule, YES, method="knockout", cells=side)
#     print(f"{side} by {side}: {cut.values.max():.1f} of {cut.effect_nats:.1f} nats")
#     if cut.values.max() > cut.effect_nats / 2:
#         break
# assert cut.values.max() > cut.effect_nats / 2
# ```
#
# Far larger than the nodule: its neighbours know of it. (A cell's value is the mean over all squares that hold it, so
# the best single square costs somewhat more than this.)
#
# </details>
#
# **Exercise 2.** Integrated gradients can also walk from a film to pixels of mid-grey: `of="pixels"`,
# `baseline="zero"`. What is missing after 2, 8 and 16 steps? Each step now costs a pass of the tower as well.

# %% tags=["exercise"]
steps = 2  # your turn
walk = medlab.explain(model, effusion, YES, method="integrated_gradients", of="tokens", steps=steps)
print(f"{walk.completeness_error:.0f} nats missing")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# for steps in (2, 8, 16):
#     options = {"of": "pixels", "baseline": "zero", "steps": steps}
#     walk = medlab.explain(model, effusion, YES, method="integrated_gradients", **options)
#     print(f"{steps} steps: {walk.completeness_error:.2f} nats missing of {walk.values.sum():.1f}")
# ```
#
# Sixteen were plenty for tokens; here more than a nat is still missing. The way through pixels is rougher: on it the
# model is shown ghosts of films. Take the number of steps from the error, never from a habit.
#
# </details>
#
# **Exercise 3.** The last test of all: paint the nodule over and ask again. `ask_again` takes the answer and a box in
# pixels of the film. Does the report still name it?

# %% tags=["exercise"]
from medlab.explainers.masking import ask_again

box = (0, 0, 50, 50)  # your turn: a mask has its box, mask.box_px
print(ask_again(model, answer, box).answer.text)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# from medlab.explainers.masking import ask_again
#
# box = next(mask.box_px for mask in case.masks if mask.label == "nodule")
# print(ask_again(model, answer, box).answer.text)
# ```
#
# Whatever it says now, it says of a film with a grey patch in it. See section 5.
#
# </details>

# %% [markdown]
# ## What this does not show
#
# - Which of these methods finds lesions in general. One film is an anecdote, and we chose it.
# - Whether a map is about the *model* at all. A map that looks right could come from the film alone: an edge filter
#   makes fine maps, too.
# - What a radiologist would look at. All of these are about what moves a number of this model.
#
# ## Next
#
# [`05_should_we_believe_it`](05_should_we_believe_it.ipynb) puts maps to the test, film after film: pretty ones that
# are wrong, and how one finds out.
