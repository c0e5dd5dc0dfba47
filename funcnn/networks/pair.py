"""Layer: a pair `(init, apply)` of pure functions, what makes it data, and layers in a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Generic, NamedTuple, Never, NoReturn, TypeGuard, TypeVar, Union, cast, overload

from funcnn.calculus import Later
from funcnn.errors import FuncnnError
from funcnn.inputs import features
from funcnn.networks.asides import with_asides
from funcnn.networks.children import Combined, combined, definition_of, no_params
from funcnn.networks.constructors import constructed, snake_case
from funcnn.networks.definitions import Definition, Spec, Takes
from funcnn.networks.functions import Apply, Init
from funcnn.networks.replaying import calls, replayed
from funcnn.networks.rules import Rule, held, lifted, takes_key
from funcnn.networks.series import in_series
from funcnn.networks.statistics import Statistics
from funcnn.records import Origin, Record, known_by_origin, recording
from funcnn.shapes import external, normalize
from funcnn.types import T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, Numbers, One, Shape
from funcnn.values import frozen

X = TypeVar("X", contravariant=True)
Y = TypeVar("Y", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
F = TypeVar("F", bound=Callable[..., "Layer[Any, Any]"])


@frozen("layers never change; {name} cannot be set")
@known_by_origin
class Layer(NamedTuple, Generic[X, Y]):
    """A pair `(init, apply)` of pure functions: a network, or a part of one.

    `init(rng, shape)` gives `(out_shape, params)`, `apply(params, x)` the value. Everything else hangs on these two, so
    that nothing is lost by unpacking: `init` carries the shape rule, the params spec and the record of how the layer
    was made, `apply` the rule that `vjp` reaches.

    >>> init, apply = net = Dense(3) >> Relu
    >>> net
    serial(Dense(3), Relu)
    >>> net == Layer(init, apply) == serial(Dense(3), Relu)
    True
    """

    init: Init[Y]
    apply: Apply[X, Y]

    @staticmethod
    def of(
        out_shape: Callable[[Shape], Shape],
        spec: Callable[[Shape], Spec],
        rule: Rule[A, B],
        *,
        value: Callable[..., B] | None = None,
        random: bool | None = None,
        takes: Takes | None = None,
        multiply_adds: Callable[[Shape], int] | None = None,
        step: Callable[..., Any] | str | None = None,
        statistics: Statistics | None = None,
        by_row: Callable[..., Any] | None = None,
    ) -> Layer[A, B]:
        """A layer out of the three things an author gives.

        out_shape       the shape rule, `shape -> shape`: the only place where shapes are decided
        spec            the params, `shape -> {name: (initializer, shape)}`; a combinator nests its children's
        rule            `(params, x) -> (y, pullback)` with `pullback(dy) -> (dparams, dx)`, over plain dicts; a third
                        parameter named `rng` gets the key of a training pass, or None
        value           the value alone, where a forward pass can do with less than the rule
        random          whether the rule takes the key; found out where not given
        takes           what the input is for, given what the output is for: `features` (the default), `tokens`,
                        `passes`
        multiply_adds   how many a forward pass costs on an input of this shape, for `summary` and for threads
        step            `(params, x, memory) -> (y, memory)` of a layer that looks along time, for `decoder`; memory is
                        None at first; a string says why it cannot go on
        by_row          `(params, x, dy)` -> gradients with an axis of rows in front, for `per_example_grads`, where
                        all at once take less than row by row

        Errors
            TypeError   the rule has another third parameter than `rng`
        """
        uses_key = takes_key(rule) if random is None else random
        rule, value = held(rule, value, out_shape)
        return layer_of(Definition(
            lambda shape, go: out_shape(shape), spec, rule, value, uses_key, takes or features,
            multiply_adds=multiply_adds, step=step, statistics=statistics, by_row=by_row,
        ))  # fmt: skip

    @staticmethod
    def over(
        layers: Sequence[Layer[Any, Any]],
        build: Callable[..., Combined],
        *,
        where: str = "layer",
        transparent: bool = False,
    ) -> Layer[Any, Any]:
        """A combinator: `build(*children)` says by `meets(shape, go)` what each child meets, and gives the rule.

        The definition knows the children from here, wherever they came from: arguments, tuples, factories.
        """
        parts = [definition_of(f, where=where, i=i) for i, f in enumerate(layers)]
        return layer_of(combined(parts, build, where, transparent))

    @staticmethod
    def lift(
        out_shape: Callable[[Shape], Shape],
        f: Callable[[A], tuple[B, Callable[[B], Union[A, Later[A]]]]],
        *,
        value: Callable[[A], B] | None = None,
        takes: Takes | None = None,
    ) -> Layer[A, B]:
        """A layer without params, out of a shape rule and `x -> (y, pullback)` with `pullback(dy) -> dx`.

        >>> Halve = Layer.lift(lambda shape: shape, lambda x: (x / 2, lambda dy: dy / 2))
        >>> Halve.apply({}, np.ones(3))
        array([0.5, 0.5, 0.5])
        """
        rule, plain = lifted(f, value, out_shape)
        return layer_of(
            Definition(lambda shape, go: out_shape(shape), no_params, rule, plain, False, takes or features)
        )

    @property
    def definition(self) -> Definition:
        """All that is known about it; of the halves of two layers, what `init` says and what `apply` does."""
        mine, its = self.init.definition, self.apply.definition
        return mine if mine is its else replace(mine, rule=its.rule, value=its.value, random=its.random)

    @overload  # Never is met by Any alone
    def out_shape(self: Layer[Any, Never], shape: Shape) -> tuple[Any, ...]: ...
    @overload
    def out_shape(self: Layer[Any, Numbers], shape: Shape) -> tuple[int, ...]: ...
    @overload
    def out_shape(self, shape: Shape) -> Shape: ...
    def out_shape(self, shape: Shape) -> Any:
        """The shape of the output for an input of this shape; -1 stands for what is not known.

        Errors
            ShapeError   the layer does not take this shape

        >>> serial(Dense(512), Relu, Dense(10)).out_shape((-1, 784))
        (-1, 10)
        """
        try:
            return external(self.init.out_shape(normalize(shape)))
        except FuncnnError as error:
            error.seen_in(self.init.name)
            raise

    def named(self, name: str) -> Layer[X, Y]:
        """The same layer under a name of its own, which its params then have, as it is.

        Errors
            ValueError   the name is empty or has a `/`

        >>> serial(Dense(8).named("encoder"), Relu).init(Key(0), (-1, 3))[1].paths()
        ('encoder/b', 'encoder/w')
        """
        if not isinstance(name, str) or not name or "/" in name:
            raise ValueError(f"a name is a non-empty string without '/', got {name!r}")
        return self.renamed(name, True)

    def renamed(self, name: str, explicit: bool) -> Layer[X, Y]:
        """The same layer under this name, given by its user or not."""
        same = (self.init.name, self.definition.explicit) == (name, explicit)
        return self if same else altered(self, name=name, explicit=explicit)

    def __rshift__(self, other: Layer[Y, C]) -> Layer[X, C]:
        """First this layer, then the other: `a >> b >> c` is `serial(a, b, c)`."""
        if not isinstance(other, Layer) and hasattr(other, "__rrshift__"):
            return NotImplemented
        return cast("Layer[X, C]", serial(*_spliced(self), *_spliced(other)))

    @property
    def origin(self) -> Origin:
        """What it prints and compares as: by the call that made it, its halves by those that made each."""
        mine, its = self.init.definition, self.apply.definition
        suffix = f".named({mine.name!r})" if mine.explicit else ""
        if mine.record is None or its.record is None:
            return Origin(None, key=(mine, its), shown=f"{mine.record or f'<{mine.name}>'}{suffix}")
        return Origin(mine.record, its.record, (mine.name, mine.explicit, its.name, its.explicit), suffix)

    def __reduce__(self) -> tuple[Any, ...]:
        return replayed, (calls(self),)

    # A pair is a tuple, but networks are not added or multiplied like tuples: refused by type checkers and at run time.
    def __add__(self, other: Never) -> NoReturn:  # type: ignore[override]
        raise TypeError("layers are not added; compose them with >> or serial, or add their outputs with FanInSum")

    def __radd__(self, other: Never) -> NoReturn:
        raise TypeError("layers are not added; compose them with >> or serial, or add their outputs with FanInSum")

    def __mul__(self, other: Never) -> NoReturn:  # type: ignore[override]
        raise TypeError("layers are not multiplied; compose them with >> or serial")

    def __rmul__(self, other: Never) -> NoReturn:  # type: ignore[override]
        raise TypeError("layers are not multiplied; compose them with >> or serial")


with_asides(Layer)


def is_layer(value: object) -> TypeGuard[Layer[Any, Any]]:
    """Is it a layer?"""
    return isinstance(value, Layer)


def layer_of(definition: Definition) -> Layer[Any, Any]:
    """The pair of functions of a definition."""
    return Layer(Init(definition), Apply(definition))


def altered(like: Layer[A, B], **changes: Any) -> Layer[A, B]:
    """The same layer with some fields of its definition changed."""
    return layer_of(replace(like.definition, **changes))


# making layers --------------------------------------------------------------------------------------------------------
def layer(make: F) -> F:
    """Record the calls of a constructor, so that its layers print as source, compare, pickle, and can be rebuilt.

    >>> @layer
    ... def Twice(f: Layer[Array, Array]) -> Layer[Array, Array]:
    ...     return serial(f, f)
    >>> Twice(Relu)
    Twice(Relu)
    >>> serial(Twice(Dense(2))).init(0, (1, 2))[1].paths()[0]
    'twice_0/dense_0/b'
    """

    def carried(record: Record, made: Layer[Any, Any]) -> Layer[Any, Any]:
        if not is_layer(made):
            raise TypeError(f"{record.name} must return a Layer, it returned {type(made).__name__}")
        known = constructed(made.definition, record, layer_of)
        return made if known is made.definition else layer_of(known)

    return recording(make, carried)


def constant(name: str, module: str, made: Layer[A, B]) -> Layer[A, B]:
    """A ready-made layer that is imported by its name, like `Relu`."""
    return altered(made, record=Record(module, name), name=snake_case(name), explicit=False)


# layers in a row ------------------------------------------------------------------------------------------------------
# One overload per arity. Lists, and more layers, are of one kind from the 13th on, or gradual: no shorter tail is sound.
# fmt: off
@overload
def serial() -> Layer[One, One]: ...
@overload
def serial(l0: Layer[T0, T1], /) -> Layer[T0, T1]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], /) -> Layer[T0, T2]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], /) -> Layer[T0, T3]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], /) -> Layer[T0, T4]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], /) -> Layer[T0, T5]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], /) -> Layer[T0, T6]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], l6: Layer[T6, T7], /) -> Layer[T0, T7]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], l6: Layer[T6, T7], l7: Layer[T7, T8], /) -> Layer[T0, T8]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], l6: Layer[T6, T7], l7: Layer[T7, T8], l8: Layer[T8, T9], /) -> Layer[T0, T9]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], l6: Layer[T6, T7], l7: Layer[T7, T8], l8: Layer[T8, T9], l9: Layer[T9, T10], /) -> Layer[T0, T10]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], l6: Layer[T6, T7], l7: Layer[T7, T8], l8: Layer[T8, T9], l9: Layer[T9, T10], l10: Layer[T10, T11], /) -> Layer[T0, T11]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], l6: Layer[T6, T7], l7: Layer[T7, T8], l8: Layer[T8, T9], l9: Layer[T9, T10], l10: Layer[T10, T11], l11: Layer[T11, T12], /) -> Layer[T0, T12]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], l6: Layer[T6, T7], l7: Layer[T7, T8], l8: Layer[T8, T9], l9: Layer[T9, T10], l10: Layer[T10, T11], l11: Layer[T11, T12], l12: Layer[T12, T13], /, *rest: Layer[T13, T13]) -> Layer[T0, T13]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], l6: Layer[T6, T7], l7: Layer[T7, T8], l8: Layer[T8, T9], l9: Layer[T9, T10], l10: Layer[T10, T11], l11: Layer[T11, T12], l12: Layer[T12, Any], /, *rest: Layer[Any, Any]) -> Layer[T0, Any]: ...
# fmt: on
@layer
def serial(*layers: Layer[Any, Any]) -> Layer[Any, Any]:
    """Layers in a row: `serial(f, g).apply(p, x) = g.apply(p_g, f.apply(p_f, x))`. `serial()` is the identity.

    Shapes
        x, y    those of the first and the last layer
        params  a subtree for every layer that has params, `dense_0`, `dense_1`, or the name given with `.named`
    Errors
        TypeError    an argument is no layer
        ValueError   two layers have the same name
        ShapeError   from the layer that does not fit, with its path
    Pullback
        the pullbacks from right to left; what lies before the first layer with params is left for later, for only
        the cotangent of the input could want it
    Source: Griewank & Walther, Evaluating Derivatives (2008), section 3.2 (the chain rule from the right); the
    combinator is stax's.

    >>> serial(Dense(512), Relu, Dense(10)).out_shape((-1, 784))
    (-1, 10)
    """
    return Layer.over(layers, in_series, where="serial")


def _spliced(f: Layer[Any, Any]) -> tuple[Layer[Any, Any], ...]:
    """The layers of an unnamed serial, so that `>>` is associative."""
    record = f.init.record if isinstance(f, Layer) else None  # what is none, `serial` will refuse
    return record.args if record and record.make is serial and not f.definition.explicit else (f,)
