"""Pairs: from a venue's name for a market to the base and quote asset everyone uses.

A tape's ``symbol`` is the base asset when the quote is the home quote (``BTC``), else
``BASE-QUOTE`` (``ETH-BTC``), so that no average mixes currencies.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from lambdas.domain.numbers import shown
from lambdas.domain.ticks import InvalidTick

ALIASES = {"XBT": "BTC", "BCHSV": "BSV"}
"""Codes that mean the same asset at every venue that uses them."""

KNOWN_BASES = frozenset(
    """
    1INCH AAVE ACH ADA AGIX AGLD ALCX ALGO ALICE ALPHA AMP ANKR ANT APE API3 APT AR ARB ASTR ATA
    ATOM AUCTION AUD AUDIO AVAX AXS BADGER BAKE BAL BAND BAT BCH BEL BICO BLUR BLZ BNB BNT BOND
    BONK BSV BTC BTCST BTG BTS BTT C98 CAKE CELO CELR CFX CHR CHZ COMP COTI CRO CRV CTSI CTXC CUBE
    CVC CVX DAI DASH DCR DEGO DENT DGB DIA DODO DOGE DOT DYDX EFIL EGLD ENA ENJ ENS EOS ETC ETH
    ETHFI EUR EURC EURI FET FIDA FIL FLOKI FLOW FLR FTM FTT FTX FXS GAL GALA GBP GFI GLM GMT GMX
    GNO GRT GTC GUSD HBAR HNT HOT ICP ICX ID ILV IMX INJ INX IOST IOTA IOTX JAM JASMY JST JTO JUP
    KAVA KDA KLAY KMD KNC KP3R KSM LDO LINK LIT LOOKS LPT LQTY LRC LSK LTC LTO LUNA LUNC MAGIC
    MANA MASK MATIC MC MCO2 MDT METIS MINA MIR MKR MNT MOODENG MPL MTL MUBI NEAR NEO NEXO NKN NMR
    NU OCEAN OGN OMG ONE ONT OP ORCA ORN OXT PAXG PENDLE PEPE PERP PNUT POL POLS POPCAT POWR PYTH
    PYUSD QNT QRDO QTUM QUICK RAD RARE RARI RAY RBN REEF REN RENDER REP REQ REVV RLC RLUSD RNDR
    ROSE RPL RSR RUNE RVN SAMO SAND SC SEI SFP SHIB SHPING SKL SLP SNX SOL SPELL SRM STETH STG
    STORJ STRK STX SUI SUPER SUSHI SXP TAO TFUEL THETA TIA TLM TOKE TOMO TON TRB TRU TRUMP TRX
    TURBO TUSD TWT UMA UNI USDC USDE USDP USDS USDT UST USTC VET WAVES WBTC WIF WLD WOO XEC XEM
    XLM XMR XNO XRP XTZ XVG XVS YFI YGG ZBC ZEC ZEN ZIL ZRO ZRX
    """.split()  # noqa: SIM905 - a list of four hundred quoted codes would be a page
)
"""Base assets that settle a name with two readings: BTCGUSD is BTC/GUSD, for BTCG is none."""

_LONGEST = 24
_PUNCTUATION = frozenset("$*.+@!&")


class Pair(tuple[str, str]):
    """A base and a quote asset, unified."""

    __slots__ = ()

    @property
    def base(self) -> str:
        """The asset that is priced."""
        return self[0]

    @property
    def quote(self) -> str:
        """The asset it is priced in."""
        return self[1]


class Codes:
    """One venue's names for assets and markets.

    ``aliases`` maps the venue's codes to the unified ones. The rest is needed only where market
    names have no separator: ``quotes`` is the venue's quote table, ``rare_quotes`` count only
    where no other quote fits or the base is known, and ``markets`` settles names that the tables
    would read wrongly (``PAXGUSD``), by base and quote.
    """

    def __init__(
        self,
        aliases: Mapping[str, str] | None = None,
        quotes: str = "",
        rare_quotes: str = "",
        markets: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self.aliases = {**ALIASES, **(aliases or {})}
        self.quotes = tuple(quotes.split())
        self.rare_quotes = tuple(rare_quotes.split())
        self._markets = dict(markets or {})
        # The names of a venue's markets come again with every message.
        self.separated = lru_cache(maxsize=4096)(self._separated)
        self.glued = lru_cache(maxsize=4096)(self._glued)

    def pair(self, base: str, quote: str) -> Pair:
        """Return two of the venue's codes unified; raises :class:`InvalidTick` for none."""
        return Pair((self._unified(base), self._unified(quote)))

    def _unified(self, code: str) -> str:
        upper = code.upper()
        if (
            0 < len(upper.encode()) <= _LONGEST
            and upper.isprintable()
            and (upper.isalnum() or all(c.isalnum() or c in _PUNCTUATION for c in upper))
        ):
            return self.aliases.get(upper, upper)
        raise InvalidTick("symbol-malformed", f"{shown(code)} is no asset's code")

    def _separated(self, name: str, separator: str) -> Pair:
        """Return the pair of ``BTC-USD``, its codes parted by ``separator``."""
        codes = name.split(separator)
        if len(codes) != 2:
            raise InvalidTick(
                "symbol-malformed", f"{shown(name)} is no pair, expected BASE{separator}QUOTE"
            )
        return self.pair(*codes)

    def _glued(self, name: str) -> Pair:
        """Return the pair of ``BTCUSDT``, split by the venue's quote table.

        Of several readings the one with a known base counts, else the one whose quote is not
        rare; when that leaves several, the name is refused: a price on the wrong tape is worse
        than one in the dead letters.
        """
        upper = name.upper()
        if upper in self._markets:
            return self.pair(*self._markets[upper])
        common = _readings(upper, self.quotes)
        readings = common + _readings(upper, self.rare_quotes)
        if not readings:
            quotes = ", ".join(self.quotes + self.rare_quotes)
            raise InvalidTick("symbol-unknown", f"{shown(name)} ends with none of {quotes}")
        if len(readings) > 1:
            known = [
                (base, quote)
                for base, quote in readings
                if self.aliases.get(base, base) in KNOWN_BASES
            ]
            settled = known or common
            if len(settled) != 1:
                options = ", ".join("/".join(reading) for reading in readings)
                raise InvalidTick(
                    "symbol-ambiguous", f"{shown(name)} can be {options}; no table settles it"
                )
            readings = settled
        return self.pair(*readings[0])


def _readings(name: str, quotes: tuple[str, ...]) -> list[tuple[str, str]]:
    return [
        (name[: -len(quote)], quote)
        for quote in quotes
        if name.endswith(quote) and len(name) > len(quote)
    ]


def tape(base: str, quote: str, home_quote: str) -> str:
    """Return the name of the tape that a pair's prices belong to."""
    return base if quote == home_quote else f"{base}-{quote}"
