"""Names of voices in the sample data, by language."""

from __future__ import annotations


def _split(table: str) -> tuple[str, ...]:
    """Split a text at its vertical bars."""
    return tuple(table.split("|"))


THEMES = _split(
    "Lobby guide|Holiday greeting|IVR prompt|Main menu|Voicemail greeting|Queue announcement|Appointment reminder|"
    "Billing reminder|Payment line|Outage notice|Opening hours|Night desk|Check-in|Room service|Concierge|Museum tour|"
    "Gallery audio guide|Elevator announcements|Delivery update|Parcel tracking|Customer survey|Support, first line|"
    "Support, second line|Onboarding tour|Product video|Training course|Radio spot|Brand voice|Narrator|Story hour|"
    "Pharmacy line|Test results|Emergency notice|Reservations|Menu of the day|Loyalty club"
)

DETAILS = _split(  # may follow a theme
    "||||2022|2023|2023|2024|2024|2025|v2|v3|B|(draft)|(evening)|(calm)|(bright)|(slow)|(formal)|(short version)|"
    "(long version)|(second take)|(new studio)|North|South|Airport|Downtown|Harbour|"
    "– Amelia|– Noah|– Zoë|– Priya|– Tomás|– Ingrid|– Kwame|– Mei|– Søren|– Aoife"
)

NAMES = {
    "es": _split("Recepción|Guía del museo|Felicitación de Navidad|Menú principal|Aviso de avería|Voz de Begoña"),
    "fr": _split("Accueil de nuit|Message d’absence|Visite guidée|Rappel de rendez-vous|Vœux de Noël|Voix de Chloé"),
    "de": _split("Begrüßung|Störungsansage|Museumsführung|Warteschleife|Weihnachtsgruß|Stimme von Jörg"),
    "pt": _split("Saudação de Natal|Recepção|Lembrete de consulta|Aviso de manutenção|Voz da Conceição"),
    "it": _split("Guida del museo|Benvenuto in hotel|Auguri di Natale|Segreteria telefonica|Novità in città"),
    "pl": _split("Powitanie w recepcji|Życzenia świąteczne|Przypomnienie o wizycie|Głos Małgorzaty"),
    "tr": _split("Karşılama mesajı|Randevu hatırlatma|Müşteri hizmetleri|Çağrı merkezi"),
    "vi": _split("Lời chào|Nhắc lịch hẹn|Chúc mừng năm mới"),
    "ja": _split("受付案内|年末のご挨拶|予約確認|館内ガイド|留守番電話|さくらの声"),
    "zh": _split("前台接待|节日问候|预约提醒|语音导航"),
    "ko": _split("안내 데스크|연말 인사|예약 확인|고객 센터"),
    "ar": _split("رسالة ترحيب|دليل المتحف|تذكير بالموعد|تهنئة العيد|صوت ليلى"),
    "he": _split("הודעת פתיחה|מדריך המוזיאון|תזכורת לתור|ברכת חג"),
    "hi": _split("स्वागत संदेश|संग्रहालय गाइड|ग्राहक सेवा|दिवाली की शुभकामनाएँ|प्रिया की आवाज़"),
    "th": _split("ข้อความต้อนรับ|แจ้งเตือนนัดหมาย|สวัสดีปีใหม่"),
    "el": _split("Μήνυμα υποδοχής|Ξενάγηση στο μουσείο|Χριστουγεννιάτικες ευχές|Η φωνή της Ελένης"),
    "ru": _split("Приветствие|Экскурсия по музею|Новогоднее поздравление|Голос Алёны"),
    "uk": _split("Привітання|Нагадування про запис|Голос Соломії"),
}

NUMBERS = _split("|||1|2|3|2023|2024|2025|A|B|v2")  # may follow a name in any script

LONG_NAME = (
    "Main switchboard greeting, spring campaign, recorded in the small studio with the old ribbon microphone, second "
    "session, take fourteen, approved by marketing and by legal, to replace the greeting of 2022 on every regional line"
)


# Names that are hard for pages, searches and files: those of the first voices of the first organization.
ODD_NAMES = (
    (LONG_NAME, "en"),
    ("Haupteingangsbegrüßungsansagenwiederholungsaufnahme", "de"),
    ("  Lobby guide ", "en"),
    ("Terms & conditions <read slowly>", "en"),
    ("Coffee bar, 100% arabica", "en"),
    ("ivr_prompt_07", "en"),
    ("O’Brien’s 🎙 podcast", "en-GB"),
)
