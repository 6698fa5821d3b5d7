"""Documents as spikes: neurons that compete learn topics by STDP, and their counts stand for a document."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting

WORDS, TOPICS = 1000, 10
# Spikes/s of all words of a document together; ms for which it is shown.
RATE, SHOWN = 2000.0, 200.0


class TextRepresentation(Recipe):
    row, family = "M08", "plasticity"
    title = "Text representation by STDP"
    reference = Reference(
        "Bialas, Mironczuk and Mandziuk", 2020,
        "Biologically plausible learning of text representation with spiking neural networks", "PPSN XVI",
        arxiv="2006.14894",
    )  # fmt: skip
    claim = (
        "Documents, shown as Poisson spikes of their words, train a layer with inhibition and STDP, without labels; "
        "its spike counts are a short representation from which topics are told by a linear classifier."
    )
    claimed = "80.19 % on 20 Newsgroups"
    shown = (
        "Fifty neurons learn half of the documents; a logistic regression of counts tells the topics of the other "
        "half. Beside it: the same layer without learning, fifty random projections, and the first fifty components of "
        "a singular value decomposition. The ten strongest words of a neuron are to be of one topic."
    )
    stand_in = (
        "The corpus is synthetic, ten topics, a thousand words, documents of sixty words of which four tenths are not "
        "about the topic; the accuracy on 20 Newsgroups is not reproduced."
    )
    chance, control = 0.1, "accuracy, no learning"

    documents: int = setting(2000, "documents, one half to learn", at_least=200)
    neurons: int = setting(50, "neurons", at_least=2)
    purity: float = setting(0.6, "share of words that are drawn from the topic", at_least=0.0, at_most=1.0)

    quick = Form(
        Bar("accuracy", at_least=0.8, why="the paper's on its corpus, which is harder"),
        Bar("gain over random projection", at_least=0.03, why="three standard errors of 1000 documents"),
        Bar("words of one topic", at_least=0.8, why="the survey's mark for the ten strongest words of a neuron"),
    )
    full = Form(*quick.bars, settings={"documents": 10_000, "purity": 0.5})
    smoke = Form(
        Bar("accuracy", at_least=0.7, why="fewer documents than the quick form"),
        seeds=(0,),
        few_seeds="a seed takes seconds",
        settings={"documents": 800},
    )

    def measure(self, run: Run) -> dict[str, float]:
        counts, labels, topics = sl.datasets.topics(self.documents, purity=self.purity, generator=run.generator)
        half = self.documents // 2
        x = tf_idf(counts, half)
        order = run.random.permutation(x[:half])
        layer, control = Layer(self.neurons, run.seed), Layer(self.neurons, run.seed)
        found = layer.learn(run.track(order, "documents")).respond(x)
        # Thresholds find their place, weights stay.
        control.synapses.learning.on = False
        plain = control.learn(order).respond(x)
        projected = x @ run.random.normal(size=(WORDS, self.neurons))
        components = decomposed(x, half, self.neurons)
        score = {
            name: read_out(each, labels.numpy(), half)
            for name, each in (
                ("accuracy", found), ("accuracy, no learning", plain), ("accuracy, random projection", projected),
                ("accuracy, singular value decomposition", components),
            )
        }  # fmt: skip
        return {
            **score,
            "gain over random projection": score["accuracy"] - score["accuracy, random projection"],
            "words of one topic": words_of_one_topic(layer.weights(), topics),
            "spikes of a document": float(found.sum(1).mean()),
        }


class Layer:
    """Words, and neurons that compete for documents."""

    def __init__(self, neurons: int, seed: int) -> None:
        nw, every = sl.network, sl.network.rules.AllToAll
        self.net = net = nw.Network(dt=1.0, seed=seed, threads=1)
        self.words = net.population(WORDS, nw.Poisson(np.zeros(WORDS)), name="words")
        lif = sl.LIF(tau_mem=20.0, decay_input=False, v_th=3.0)
        cell = sl.Refractory(sl.AdaptiveThreshold(lif, beta=0.2, tau_adapt=5000.0), t_ref=3.0)
        self.cells = net.population(neurons, cell, name="encoder")
        rule = sl.plasticity.SimplifiedSTDP(
            a_plus=0.01, a_minus=0.01, window=20.0, dependence=sl.plasticity.Multiplicative()
        )
        weight = nw.Uniform(0.3, 0.7)
        self.synapses: Any = net.connect(self.words, self.cells, every(), weight=weight, plasticity=rule)
        net.connect(self.cells, self.cells, every(autapses=False), weight=-20.0)
        net.record(self.cells)

    def show(self, document: NDArray[Any]) -> NDArray[Any]:
        """Spike counts of one document, from rest."""
        self.words["rate"], self.cells["v"] = RATE * document, 0.0
        spikes = self.net.run(SHOWN, progress=False)["encoder"]
        return np.bincount(spikes.neurons, minlength=len(self.cells))

    def learn(self, documents: Any) -> Layer:
        """One document after the other."""
        for document in documents:
            self.show(document)
        return self

    def respond(self, documents: NDArray[Any]) -> NDArray[Any]:
        """Spike counts [document, neuron], with weights and thresholds held."""
        self.synapses.learning.on, held = False, self.cells["a"].copy()
        counts = []
        for document in documents:
            self.cells["a"] = held
            counts.append(self.show(document))
        return np.stack(counts)

    def weights(self) -> NDArray[Any]:
        """[word, neuron]."""
        found: NDArray[Any] = self.synapses.matrix().toarray()
        return found


def tf_idf(counts: Tensor, half: int) -> NDArray[Any]:
    """Counts times the logarithm of how rare a word is in the documents to learn; they sum to 1 in a document."""
    rare = torch.log(half / (1.0 + (counts[:half] > 0).sum(0))).clamp(min=0.0)
    weighted = counts * rare
    found: NDArray[Any] = (weighted / weighted.sum(1, keepdim=True)).numpy()
    return found


def words_of_one_topic(weights: NDArray[Any], topics: Tensor) -> float:
    """Of the ten strongest words of a neuron, the share of those that are commonest in the same topic; the mean."""
    own = topics.argmax(0).numpy()[np.argsort(-weights, axis=0)[:10]]
    return float(np.mean([np.bincount(column).max() / 10 for column in own.T]))


def read_out(x: NDArray[Any], labels: NDArray[Any], half: int) -> float:
    """Accuracy of a logistic regression, of values scaled to a standard deviation of 1."""
    from sklearn.linear_model import LogisticRegression

    scaled = x / (x[:half].std(0) + 1e-9)
    return float(LogisticRegression(max_iter=300).fit(scaled[:half], labels[:half]).score(scaled[half:], labels[half:]))


def decomposed(x: NDArray[Any], half: int, count: int) -> NDArray[Any]:
    """The first components."""
    from sklearn.decomposition import TruncatedSVD

    found: NDArray[Any] = TruncatedSVD(count, random_state=0).fit(x[:half]).transform(x)
    return found
