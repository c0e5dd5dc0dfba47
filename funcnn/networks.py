"""Layer: a pair `(init, apply)` of pure functions, and what makes it data: its record, its name, its children."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Never, NoReturn, TypeGuard, TypeVar, Union, cast

from funcnn.calculus import Apply
from funcnn.cotangents import Later
from funcnn.doors import Checks
from funcnn.errors import FuncnnError
from funcnn.inits import Init as Init  # this and the kinds: part of this module for everybody else
from funcnn.inits import Takes
from funcnn.kinds import features as features
from funcnn.kinds import passes as passes
from funcnn.kinds import tokens as tokens
from funcnn.records import Record, recording, snake_case
from funcnn.shapes import external, normalize
from funcnn.signatures import Rule, takes_key, value_of
from funcnn.types import Shape, Spec, Tree

X = TypeVar("X", contravariant=True)
Y = TypeVar("Y", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
F = TypeVar("F", bound=Callable[..., "Layer[Any, Any]"])

EMPTY: Mapping[str, Any] = {}
"""The params, and the gradients, of what has none."""


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

    init: Init
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
        multiply_adds   how many a forward pass costs on an input of this shape, for `summary`

        Errors
            TypeError   the rule has another third parameter than `rng`
        """
        uses_key = takes_key(rule) if random is None else random
        init = Init(
            out_shape=out_shape, spec=spec, record=None, body=None, name="layer", explicit=False,
            takes=takes or features, multiply_adds=multiply_adds,
        )  # fmt: skip
        return _joined(init, rule, value or value_of(rule), uses_key)

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

        def rule(params: Tree, x: A) -> tuple[B, Callable[[B], tuple[Tree, Union[A, Later[A]]]]]:
            y, pullback = f(x)
            return y, lambda dy: (EMPTY, pullback(dy))

        def plain(params: Tree, x: A) -> B:
            return f(x)[0] if value is None else value(x)

        return Layer.of(out_shape, lambda shape: EMPTY, rule, value=plain, random=False, takes=takes)

    def out_shape(self, shape: Shape) -> Shape:
        """The shape of the output for an input of this shape; -1 stands for what is not known.

        Errors
            ShapeError   the layer does not take this shape

        >>> serial(Dense(512), Relu, Dense(10)).out_shape((-1, 784))
        (-1, 10)
        """
        try:
            return external(self.init.out_shape(normalize(shape)))
        except FuncnnError as error:
            error.network = error.network or self.init.name
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
        return altered(self, name=name, explicit=True)

    def __rshift__(self, other: Layer[Y, C]) -> Layer[X, C]:
        """First this layer, then the other: `a >> b >> c` is `serial(a, b, c)`."""
        if not isinstance(other, Layer) and hasattr(other, "__rrshift__"):
            return NotImplemented
        from funcnn.chaining import chained

        return cast("Layer[X, C]", chained(self, other))

    def __repr__(self) -> str:
        shown = repr(self.init.record) if self.init.record else f"<{self.init.name}>"
        return f"{shown}.named({self.init.name!r})" if self.init.explicit else shown

    def __eq__(self, other: object) -> bool:
        if not is_layer(other):
            return NotImplemented
        mine, theirs = self.apply.door.layer.init, other.apply.door.layer.init  # those the two `apply` were made with
        if mine is self.init and theirs is other.init:
            return mine.same_as(theirs)
        return self.init.same_as(other.init) and mine.same_as(theirs)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.init.record, self.init.name)) if self.init.record else hash(id(self.init))

    def __reduce__(self) -> tuple[Any, ...]:
        if self.init.record is None:
            raise TypeError(f"{self!r} cannot be pickled: make it in a constructor decorated with @layer")
        return replayed, (self.init.record, self.init.name, self.init.explicit)

    def __copy__(self) -> Layer[X, Y]:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Layer[X, Y]:
        return self

    # A pair is a tuple, but networks are not added or multiplied like tuples: refused by type checkers and at run time.
    def __add__(self, other: Never) -> NoReturn:  # type: ignore[override]
        raise TypeError("layers are not added; compose them with >> or serial, or add their outputs with FanInSum")

    def __radd__(self, other: Never) -> NoReturn:
        raise TypeError("layers are not added; compose them with >> or serial, or add their outputs with FanInSum")

    def __mul__(self, other: Never) -> NoReturn:  # type: ignore[override]
        raise TypeError("layers are not multiplied; compose them with >> or serial")

    def __rmul__(self, other: Never) -> NoReturn:  # type: ignore[override]
        raise TypeError("layers are not multiplied; compose them with >> or serial")


def _called(layer: Layer[Any, Any], *args: object, **options: object) -> NoReturn:
    shown = repr(layer)
    raise TypeError(
        f"{shown if len(shown) < 60 else layer.init.name} is a layer, and no function: call its apply, "
        f".apply(params, x); put it in a network as it is, without ()"
    )


if not TYPE_CHECKING:  # type checkers refuse the call for want of a method; at run time the message says what to do
    Layer.__call__ = _called


def is_layer(value: object) -> TypeGuard[Layer[Any, Any]]:
    """Is it a layer?"""
    return isinstance(value, Layer)


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

    def named_and_recorded(record: Record, made: Layer[Any, Any]) -> Layer[Any, Any]:
        if not is_layer(made):
            raise TypeError(f"{record.name} must return a Layer, it returned {type(made).__name__}")
        body = made if made.init.record else None
        return altered(made, record=record, body=body, name=snake_case(record.name), explicit=False)

    return recording(make, named_and_recorded)


def constant(name: str, module: str, made: Layer[A, B]) -> Layer[A, B]:
    """A ready-made layer that is imported by its name, like `Relu`."""
    return altered(made, record=Record(module, name), body=None, name=snake_case(name), explicit=False)


def altered(like: Layer[A, B], **changes: Any) -> Layer[A, B]:
    """The same layer with some of its fields changed; `rule` and `value` among them."""
    rule, value = changes.pop("rule", like.apply.rule), changes.pop("value", like.apply.value)
    random = changes.pop("random", like.apply.random)
    return _joined(Init(**{f: changes.get(f, getattr(like.init, f)) for f in Init.__slots__}), rule, value, random)


def _joined(init: Init, rule: Callable[..., Any], value: Callable[..., Any], random: bool) -> Layer[Any, Any]:
    door = Checks(init.name, init.out_shape, init.spec, init.takes("any"))
    made: Layer[Any, Any] = Layer(init, Apply(rule, value, random, door))
    door.layer = made
    return made


def replayed(record: Record, name: str, explicit: bool) -> Layer[Any, Any]:
    """The layer that a record and a name were taken from."""
    made: Layer[Any, Any] = record.replay()
    same = (made.init.name, made.init.explicit) == (name, explicit)
    return made if same else altered(made, name=name, explicit=explicit)
