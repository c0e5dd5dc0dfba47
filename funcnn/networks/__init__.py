"""Networks: what a layer is, how layers are put in a row, and what is checked before they run."""

from funcnn.late_names import answers_for
from funcnn.networks.by_parts import apart as apart
from funcnn.networks.children import Combined as Combined
from funcnn.networks.definitions import EMPTY as EMPTY
from funcnn.networks.definitions import Child as Child
from funcnn.networks.definitions import Go as Go
from funcnn.networks.functions import Apply as Apply
from funcnn.networks.functions import Init as Init
from funcnn.networks.pair import Layer as Layer
from funcnn.networks.pair import constant as constant
from funcnn.networks.pair import is_layer as is_layer
from funcnn.networks.pair import layer as layer
from funcnn.networks.pair import serial as serial
from funcnn.networks.surgery import rebuild as rebuild

answers_for(__name__)
