"""Languages as people type them and as servers name them, as codes: those of Whisper's models, and other servers'."""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches
from typing import Final

from ipyspeaches.chinese import CHINESE
from ipyspeaches.errors import InputError

# Code, English name, then other names and codes: ISO 639-2 and 639-3, old codes, a country's that is no language's, the
# language's own name.
_TABLE: Final = """
en english eng us usa gb 英语 英語 英文 | de german deu ger deutsch 德语
zh chinese zho chi cmn cn chs cht mandarin 中文 汉语 漢語 普通话 普通話 国语 國語 华语 華語
es spanish spa castilian español espanol | ru russian rus русский 俄语 | ko korean kor 한국어 韩语
fr french fra fre français francais 法语 | ja japanese jpn jp 日本語 日语 日文 | pt portuguese por português portugues
tr turkish tur türkçe | pl polish pol polski | ca catalan cat valencian català
nl dutch nld dut flemish nederlands | ar arabic ara arb العربية | sv swedish swe svenska
it italian ita italiano | id indonesian ind in bahasa bahasa-indonesia | hi hindi hin हिन्दी | fi finnish fin suomi
vi vietnamese vie vn tiếng-việt | he hebrew heb iw עברית | uk ukrainian ukr ua українська | el greek ell gre gr ελληνικά
ms malay msa may zsm bahasa-melayu bahasa-malaysia | cs czech ces cze cz čeština
ro romanian ron rum mo moldavian moldovan română | da danish dan dk dansk | hu hungarian hun magyar
ta tamil tam தமிழ் | no norwegian nor nb nob bokmål bokmal norsk
th thai tha ไทย | ur urdu urd اردو | hr croatian hrv scr hrvatski | bg bulgarian bul български
lt lithuanian lit lietuvių | la latin lat | mi maori mri mao māori | ml malayalam mal | cy welsh cym wel cymraeg
sk slovak slk slo slovenčina | te telugu tel | fa persian fas per farsi pes فارسی | lv latvian lav latviešu
bn bengali ben bangla বাংলা | sr serbian srp scc српски srpski | az azerbaijani aze
sl slovenian slv slovene slovenščina | kn kannada kan | et estonian est eesti | mk macedonian mkd mac македонски
br breton bre | eu basque eus baq euskara | is icelandic isl ice íslenska | hy armenian hye arm
ne nepali nep | mn mongolian mon | bs bosnian bos bosanski | kk kazakh kaz | sq albanian sqi alb shqip
sw swahili swa kiswahili | gl galician glg galego | mr marathi mar | pa punjabi pan panjabi
si sinhala sin sinhalese | km khmer khm | sn shona sna | yo yoruba yor | so somali som | af afrikaans afr
oc occitan oci | ka georgian kat geo | be belarusian bel | tg tajik tgk | sd sindhi snd | gu gujarati guj
am amharic amh | yi yiddish yid ji | lo lao | uz uzbek uzb | fo faroese fao | ht haitian-creole hat haitian
ps pashto pus pushto | tk turkmen tuk | nn nynorsk nno | mt maltese mlt | sa sanskrit san
lb luxembourgish ltz letzeburgesch | my myanmar mya bur burmese | bo tibetan bod tib
tl tagalog tgl fil filipino | mg malagasy mlg | as assamese asm | tt tatar tat | haw hawaiian | ln lingala lin
ha hausa hau | ba bashkir bak | jw javanese jav jv | su sundanese sun | yue cantonese 粤语 粵語 广东话 廣東話
"""
_ROWS: Final = [row.split() for line in _TABLE.strip().splitlines() for row in line.split("|")]
_NAME: Final = {row[0]: row[1].replace("-", " ").title() for row in _ROWS}
_CODE: Final = {name: row[0] for row in _ROWS for name in row}
WHISPER_LANGUAGES: Final = tuple(sorted(_NAME))
"""Codes of the languages of Whisper's models."""
_ONLY_OTHERS: Final = """
aa ab ae ak an av ay bh bi ce ch co cr cu cv dv dz ee eo ff fj fy ga gd gn gv ho hz ia ie ig ii ik io iu kg ki kj kl
kr ks ku kv kw ky lg li lu mh na nd ng nr nv ny oj om or os pi qu rm rn rw sc se sg sm ss st ti tn to ts tw ty ug ve
vo wa wo xh za zu
aar abk ace ach ada ady aeb afh agq ain aka akz ale aln alt ann anp arg arn aro arp arq ars arw ary arz asa ase ast
atj ava avk awa aym bal bam ban bar bas bax bbc bbj bej bem bew bez bfd bfq bgc bgn bho bik bin bis bjn bkm bla blo
blt bpy bqi bra brh brx bss bua bug bum byn byv cad car cay cch ccp ceb cgg cha che chk chm chn cho chp chr chv chy
cic ckb clc cnr cor cos cps cre crg crh crj crk crl crm crs csb csw dak dar dav del den dgr din div dje doi dsb dtp
dua dyo dyu dzg dzo ebu efi egl eka epo esu ewe ewo ext fan fat fij fit fon frc frp frr frs fry ful fur gaa gag gan
gay gba gbz gil gla gle glk glv gon gor grb grn gsw guc gur guz gwi hai hak hax her hif hil hmn hmo hnj hsb hsn hup
hur iba ibb ibo ido iii ikt iku ile ilo ina inh ipk izh jam jbo jgo jmc jpr jrb kaa kab kac kaj kal kam kas kau kbd
kbl kcg kde kea ken kfo kgp kha khq khw kik kin kir kiu kkj kln kmb koi kok kom kon kos kpe krc kri krj krl kru ksb
ksf ksh kua kum kur kut kwk kxv lad lag lah lam lez lfn lij lil lim liv lkt lmo lol lou loz lrc lsm ltg lua lub lug
lun luo lus luy lzh lzz mad maf mag mah mai mak man mas mde mdf mdr men mer mfe mgh mgo mic min mnc mni moe moh mos
mrj mua mus mwl mwr mwv mye myv mzn nan nap naq nau nav nbl nde ndo nds new nia niu njo nmg nnh nog nov nqo nso nus
nya nym nyn nyo nzi ojb ojc oji ojs ojw oka ori orm osa oss pag pam pap pau pcd pcm pdc pdt pfl pis pms pnt pon pqm
prg quc que qug raj rap rar rgn rhg rif rof roh rom rtm rue rug run rup rwk sad sag sah saq sas sat saz sba sbp scn
sco sdc sdh see seh sei sel ses sgs shi shn shu sid slh sli sly sma sme smj smn smo sms snk sot srd srn srr ssw ssy
stq str suk sus swb syr szl tah tce tcy tem teo ter tet tgx tht tig tir tiv tkl tkr tlh tli tly tmh tog tok ton tpi
tru trv trw tsd tsi tsn tso ttm ttt tum tvl twi twq tyv tzm udm uig umb vai vec ven vep vls vmf vmw vol vot vro vun
wae wal war was wbp wln wol wuu xal xho xmf xnr xog yao yap yav ybb yrl zap zbl zea zen zgh zha zul zun zza
"""
_OTHERS: Final = frozenset(_ONLY_OTHERS.split())
"""The other codes of ISO 639-1, and those of living languages that ISO 639-2 or CLDR list: what is none of all these is
a typing error, unless it has a script or region."""
_SIMPLIFIED: Final = frozenset({"hans", "cn", "sg", "my", "chs", "simplified"})
_TRADITIONAL: Final = frozenset(
    {"hant", "tw", "hk", "mo", "cht", "traditional", "taiwan", "taiwanese", "hong", "macau", "macao"}
)
_IN_CHINESE: Final = {
    r"[简簡][体體]?(?:中文|[中字])?": "zh-hans",
    r"(?:繁[体體]?|正[体體])(?:中文|[中字])?": "zh-hant",
    r"(?:中[国國](?![语語话話])|大[陆陸]|新加坡)(?:地[区區])?": "hans",
    r"(?:[台臺][湾灣]|香港|澳[门門])(?:地[区區]|特[别別]行政[区區])?": "hant",
}
"""Scripts, and the places that have one, as Chinese writes them: before, behind or in brackets, without a blank."""
_SCRIPTS: Final = _SIMPLIFIED | _TRADITIONAL | {"latin", "cyrillic"}
_FIND_OUT: Final = frozenset({"", "auto", "detect", "none", "null", "und", "mul", "multi"})
_TAG: Final = re.compile(r"([a-z]{2,3})(-[a-z]{3})?(-[a-z]{4})?(-(?:[a-z]{2}|[0-9]{3}))?(-[a-z0-9]*[0-9][a-z0-9]*)*")
_SEVERAL: Final = re.compile(r"[,/+&;|]|\b(?:and|or)\b")
_NOT: Final = re.compile(r"\b(?:not|non|but|except|without)\b")
_DASHES: Final = re.compile("[\u2010-\u2015\u2212_]")
_MOST_OFFERED: Final = 3
_LONGEST_CODE: Final = 3
_LONGEST_SUBTAG: Final = 4
"""Of scripts and regions."""


def language_code(typed: str | None) -> str | None:
    """Return the code for a language as people type it; None lets the server find out, as do ``""`` and ``"auto"``.

    Typed is a code (``"zh"``, ``"eng"``, ``"gsw"``), one with a region or script (``"zh-Hans-CN"``, ``"en_US"``), or
    the name of a language of Whisper's (``"English"``, ``"中文"``). A code that Whisper's models do not have is
    handed on as it is: a server may have other models. A code that few programs list needs its script or region, as
    in ``"ory-IN"``. It is an `InputError` if it can be none, or names two languages; the message names the nearest.
    """
    if typed is None:
        return None
    if not isinstance(typed, str):
        raise InputError(f"language is {typed!r:.60}: give a code such as 'en' or 'zh', or None.")
    name = _plain(typed)
    if name in _FIND_OUT:
        return None
    code = _find(name)
    if code is not None:
        return code
    if _NOT.search(name) or len(set(_codes(name))) > 1:
        raise InputError(
            f"language is {typed!r:.60}, which does not name one language: name one, or None to let the server "
            "find out."
        )
    raise InputError(
        f"language is {typed!r:.60}, which is no code and no name of a language that Whisper's models know: "
        f"{_nearest(name)}, the code of another one that your server knows (a rare one with its region: 'ory-IN'), or "
        "None to let it find out."
    )


def script_named(typed: str | None) -> str | None:
    """Return the script of Chinese that a language names by its script or region; None for bare ``"zh"``, and others.

    ``"zh-Hant"``, ``"zh-TW"`` and ``"繁體中文"`` are ``"traditional"``, ``"zh-CN"`` is ``"simplified"``.
    """
    if language_code(typed) not in CHINESE:
        return None
    for part in _parts(_plain(typed or "")):
        if part in _SIMPLIFIED or part in _TRADITIONAL:
            return "simplified" if part in _SIMPLIFIED else "traditional"
    return None


def is_usual(code: str | None) -> bool:
    """Whether Whisper's models know a language, as most servers do."""
    return code is None or code in _NAME


def language_heard(named: str | None) -> str | None:
    """Return the code of a language that a server names, by whichever name; None for what is no language."""
    return _find(_plain(named or ""))


def _find(name: str) -> str | None:
    """Return the code for a name, a code, or what has one in it: ``"swiss german"``, ``"en (uk)"``, ``"en-us"``."""
    head = name.partition("(")[0]  # in brackets are regions and scripts, which may be called as languages are
    for exact in (name, head):
        if (joined := exact.strip().replace(" ", "-")) in _CODE:
            return _precise(name) or _CODE[joined]
    if _NOT.search(name) or (_SEVERAL.search(head) and len(set(_codes(head))) > 1):
        return None
    if precise := _precise(name):
        return precise
    # Before a name, two letters are a region: "uk english".
    named = set(_named(head) or _named(name))
    return _find_tag(name) if not named else named.pop() if len(named) == 1 else None


def _precise(name: str) -> str | None:
    """Return the one of two languages that is a kind of the other: ``"chinese (cantonese)"``, ``"norsk nynorsk"``."""
    return next(iter({"yue", "nn"}.intersection(_named(name))), None)


def _codes(name: str) -> list[str]:
    """Return the codes of the languages that are named or, without names, of those whose codes are there."""
    return _named(name) or [_CODE[part] for part in _parts(name) if part in _CODE]


def _find_tag(name: str) -> str | None:
    language, *others = _parts(name) or [""]
    if language == "zh" and "yue" in others:
        return "yue"
    if language in _CODE:
        sentence = " " in name and any(len(one) > _LONGEST_SUBTAG and one not in _SCRIPTS for one in others)
        return None if sentence else _CODE[language]
    tag = _TAG.fullmatch(name)
    known = tag and (language in _OTHERS or (len(language) == _LONGEST_CODE and (tag[3] or tag[4])))
    return _as_written(name) if known else None


def _named(name: str) -> list[str]:
    """Return the codes of the languages that are named, not by codes; Latin is a script or a part of America, too."""
    is_code = re.compile(f"[a-z]{{1,{_LONGEST_CODE}}}|latin").fullmatch
    return [_CODE[part] for part in _parts(name) if part in _CODE and not is_code(part)]


def _parts(name: str) -> list[str]:
    """Return a language and what comes behind it: script, region, encoding (``zh-Hans-CN``, ``english (us)``)."""
    return re.findall(r"[^-.@()/,+&;|\s]+", name)


def _as_written(tag: str) -> str:
    """Return a code as BCP 47 writes it: ``sr-Latn-RS``; some servers look it up as it stands."""
    first, *others = tag.split("-")
    shape = {2: str.upper, 4: str.title}
    return "-".join([first, *(shape.get(len(other), str)(other) for other in others)])


def _plain(name: str) -> str:
    visible = "".join(one for one in unicodedata.normalize("NFKC", name) if unicodedata.category(one) != "Cf")
    plain = _DASHES.sub("-", visible.casefold())
    for written, tag in _IN_CHINESE.items():
        plain = re.sub(written, f" {tag} ", plain)
    return " ".join(plain.split())


def _nearest(name: str) -> str:
    # Who mistypes a name begins it right: "taiwanese" is not meant for "javanese".
    near = get_close_matches(
        name.replace(" ", "-"), [one for one in _CODE if one[0] == name[:1]], n=2 * _MOST_OFFERED, cutoff=0.8
    )
    codes = list(dict.fromkeys(_CODE[one] for one in near))[:_MOST_OFFERED]
    offered = " or ".join(f"'{code}' ({_NAME[code]})" for code in codes)
    return f"use {offered}" if offered else "give a code such as 'en' or 'zh'"
