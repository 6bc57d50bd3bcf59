"""Which language a text is in, by its letters and commonest words. Light, offline, and unsure of short texts."""

import re
import unicodedata
from collections import Counter

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_COMMON = {
    "cs": "a se v na je že o s z do i to jsem jako ale za by jsou který tak pro po ve jeho ze nebo není už jen byl při co být jsme",
    "da": "og i at det er en til af på de der ikke med den for jeg et som har han var fra men vi kan om så sig mig også skal blev",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei ich wir sind oder wenn kann",
    "en": "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you were her all she there would their we what can",
    "es": "de la que el en y a los del se las por un para con no una su al lo como más pero sus le ya o este sí porque esta entre cuando muy sin sobre es está son",
    "fi": "ja on ei että se hän oli mutta ovat kun niin myös tai joka kuin sen ole jos mitä hänen vain nyt minä voi sitä siitä olla tämä jo",
    "fr": "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec vous nous je mais ou être cette leur ses aux comme",
    "hu": "a az és hogy nem is egy ez volt van meg csak de azt ha már mint még el ki vagy lehet minden kell ezt nagyon amely után lesz",
    "it": "di e il la che in un a per è una sono non con del si da le dei nel come alla più della i gli lo ha anche ma questo al delle se essere",
    "nl": "de van het een en in is dat op te zijn met voor niet die aan er om ook als maar bij door of uit nog wordt naar je ik hij heeft kan wel worden",
    "no": "og i det er en til på som av for at med ikke den de har jeg om et var han fra men vi kan så seg også skal ble hva denne etter",
    "pl": "w i na z do się nie to że jest o jak po co za od ale tym przez dla być tego są może oraz już ich jego czy który przy tylko ma",
    "pt": "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu sua ou ser quando muito há nos já está eu",
    "ro": "de și în a la cu pe nu că o din este un pentru se mai care sau ca ce fi au ai sunt al lui acest fost prin după dar cum",
    "sv": "och i att det som en på är av för med till den har de inte om ett han men var jag sig från vi så kan man när nu också eller ska",
    "tr": "ve bir bu da de için ile çok olarak daha gibi olan ne var o kadar sonra ama mi ben en ise değil her şey yok ya",
}
_WORDS = {name: frozenset(text.split()) for name, text in _COMMON.items()}
_SCRIPTS = {
    "CJK": "zh", "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "ARABIC": "ar", "HEBREW": "he", "THAI": "th",
    "DEVANAGARI": "hi", "GREEK": "el", "CYRILLIC": "ru", "BENGALI": "bn", "TAMIL": "ta", "GEORGIAN": "ka", "ARMENIAN": "hy",
}  # fmt: skip
_UKRAINIAN = frozenset("іїєґ")


def language(text: str) -> str:
    """Return the two letters of a text's likely language; empty where there is too little to go by."""
    by_script = _by_script(text)
    if by_script:
        return by_script
    found = _WORD.findall(text.lower())
    hits = {name: sum(word in common for word in found) for name, common in _WORDS.items()}
    best = max(hits, key=lambda name: hits[name])
    rest = max(count for name, count in hits.items() if name != best)
    return best if hits[best] > rest else ""


def _by_script(text: str) -> str:
    letters = [letter for letter in text if letter.isalpha()]
    seen = Counter(unicodedata.name(letter, "").split(" ")[0] for letter in letters)
    if not letters:
        return ""
    if seen["HIRAGANA"] + seen["KATAKANA"] > 0.1 * len(letters):
        return "ja"
    script, count = seen.most_common(1)[0]
    if script in _SCRIPTS and count > 0.5 * len(letters):
        return "uk" if script == "CYRILLIC" and _UKRAINIAN & set(text.lower()) else _SCRIPTS[script]
    return ""
