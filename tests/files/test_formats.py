"""Files of the first version of each format are read for ever, whatever writes those of today."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from funcnn import (
    Dense,
    Key,
    Params,
    TrainState,
    adam,
    chain,
    clip_by_global_norm,
    freeze,
    leaky_relu,
    load_network,
    load_notes,
    load_state,
    save_network,
    save_state,
    serial,
    tie,
)
from funcnn.initializers import constant

# What the first versions wrote for the state and the network below, compressed and in base 85.
STATE = (
    "c-"
    "q}o&1=*^6rXk5T13G^4|<CMU6pj1e3~u7Ru6&{>w+kV6qzKGHkvPz?CN$|=pWFVm#UXuJ$n#Oo&`PW#hW0ARS$|%6hG=rGO3%omD"
    "YN&zTIIaZ+>syd%ri#Ok<)vFak0;0A8Pbv;S!c0NVBtjfZ^4#&J@;5(j>Vw}Z$-"
    "2|vd1cGEX~pNkWeU|!((7LH;k@X3@Y<g*k9t5OwGK%C%^C?qn(VPMWMq=Ayv@m1WWCP-AEUK0&dHn1w%qO4o8Bx{-"
    "`*%s6^m9FLo362T4!&{D-"
    "qysmIW2SSRnCdRUsw!|K0(GiOY}~+~PN)5*XOM8o7!tLU#+jN>l+jKxNi%dYU4!>%ety$+1ulu2Sl~wGscx4-"
    "Llhw|^Vl=ImS;w@O>se(IG!_$qvFavLmD563whY0!JM#=cP?kvcCc$@OZRZ-"
    "^>ZsTw@T`^)eoXFh(=QAk~|uu{G+SofAFofu)<^zi~v~m!*&Vm1zahE<o%7w^Jf|tOP~ch6${5^R2kzc$8EhLa22vik_h>igUG^E"
    "e+s!Vp{)|npb(Sq!x9vZ2wa!@bJ@ir2DfffxnIxvhjm4!@`Qaqt7oX^O#h-"
    "jZBu#4=9lV^A5nSBaPOG@J;Q%s^B<YrGQ)jhxX%pth2g$3-1mBs*0W3CXfLf|PU`}L<o!CdDjTC!;N-"
    "3G%4nUVX^xXWX>+74ju+FpvwVABZ#q(*&OC$6|BZCyt!|Q^yM#(Hh3j_@6;hD@?TY*=zpse0{VSsWUlq}|M@33IM#}5I26CB8Z-"
    "K(wfSQh$i#G|qENB}nn63~_datZCp{L{mD|FH1LK$Rd=2{cV@;oE6XmW4>WarXa6S~j(dwE4n<jr}xM?RI!d6^vo+1}o`m(x2zwt"
    "pHEgF{p`On!@m#@)jJOoIF=HiINp;|wh6R!tLYNJEyPDHtM2u?+><iYRLaG(=H^SjU!bn&_BlK~pnS2}-tDGbLSCe*oSTO<n"
)
NETWORK = (
    "c-p;HOKTHR6uvQyf*`mk;!4K5iI#MnM<$P=*oC+$w%LeCkZ?1((~h0o33nzfZ5Zee=*~^Sjo`{%e}F$mbmc-"
    "21VLQrIrE4!X<B>~FPY4o=RMzd&gFL2$_tAmSvSe|_g|X#%7ox^1vEn@T!#mt`aJN(ggU+)vXHJQ)ENs~2u1L4*O%M0rqCTO1J@T"
    "|)N7d?JvG%(HFOwBe^as{=(^o5eZWP)LESZ<)s#sDf3y!`D90SWPdLygJy*E6^@Q5Y^DqmweG!CAgy^NIR+1=+a}CmHhj~GoFyPW"
    "<9{NtG$M(3yQX|ZrNm?|mW$K(u5W2h=ZN$+7*G}r{-"
    "`PdL@zy;Jgy`&i9%tKoJ;}Xs0>GGh7c9AmIi$@2>PXJ_XG*o=Qb!CL5X8k|sai}rvH(`loRxGQdyN8n^@3!ciapuDVPh{$N=Z<~4"
    "7v<eI0WF7Yq?-"
    "U^q`xbFa5A5a1K3+RrgOi?Q`h|G{!WY5U@wTN=YSbX!@CB98(3JKSG<PYB(Ypr7>|^T*lihEhT&8NS)!=NclCRDC)pDTb`b?ch`1"
    "a|43JbED}u>qrDQjN{&;P?EPZ>@uSYu64@b>>VOBftga~4yH2ZGQ>t(pL&-"
    "$XmjjOahe$8zgDp1VAm4)h&D%94QvP~fPOA8P|99U-"
    "nCgdbZ}Twq4CYbla&#Ur&Dy_#oWeZ0if}eQlBGNx;}7A~|8Lh0uq&(ZgXaLASF1%hZ@#{~o`+**a1K+K!}EZ1&fV#(l`brnPrtFU"
    "bx<O+_ZNmPmy3t+I6Z5XLg*GGi;v`N2oCg7+UR1)#sW#kdo~1zW`4*G5RG{u*qFnV|6<4|5X~f{a*@R53b_POk3m`|>8%Xh8&*Sc"
    "?15&Pea`H5n>$TrI!4>D`nF~>O=sM0G)=2jZ`ci;J7%lJZC*DTZOhW_rlad^_7i~N_qP"
)

NOTES: dict[str, Any] = {"losses": [0.5, 0.25], "long": [0.1 * i for i in range(20)], "by": ("me", None, True, -3)}
OPTIMIZER = chain(clip_by_global_norm(1.0), adam(0.1))
PARAMS = Params({"w": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(3, np.float32)})


def state() -> TrainState[Any]:
    """A state after two steps that nobody made."""
    clip, memory = OPTIMIZER.init(PARAMS)
    return TrainState(2, PARAMS, (clip, memory._replace(step=2)), Key(7), 1, 1)


def network() -> tuple[Any, Params]:
    """A network with an initializer of a number, frozen params, ties and names."""
    net: Any = serial(
        freeze(Dense(3), Params({"w": np.ones((2, 3)), "b": np.zeros(3)}), "w"),
        leaky_relu(0.2),
        tie(serial(Dense(3, W_init=constant(0.5)), Dense(3).named("b")), {"b/w": "dense_0/w"}),
    )
    return net, PARAMS


def test_states(tmp_path: Path) -> None:
    """As they were."""
    (tmp_path / "s").write_bytes(zlib.decompress(base64.b85decode(STATE)))
    assert load_state(tmp_path / "s", OPTIMIZER, like=PARAMS) == state()
    assert load_notes(tmp_path / "s") == NOTES


def test_networks(tmp_path: Path) -> None:
    """As they were, whatever defaults are today."""
    (tmp_path / "n").write_bytes(zlib.decompress(base64.b85decode(NETWORK)))
    assert load_network(tmp_path / "n") == network()


def test_todays_files(tmp_path: Path) -> None:
    """Come back like these."""
    save_state(tmp_path / "s", state(), notes=NOTES)
    assert (load_state(tmp_path / "s", OPTIMIZER, like=PARAMS), load_notes(tmp_path / "s")) == (state(), NOTES)
    save_network(tmp_path / "n", *network())
    assert load_network(tmp_path / "n") == network()
