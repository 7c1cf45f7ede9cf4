"""What can be pressed or filled in on a page, as the page tells it: nothing here is to be believed."""

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

# A page may lie to this as it may to anybody who looks at it: so whatever is no plain link is asked about, and a link
# is not pressed but followed.
SELECTOR = (
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [contenteditable=true], [onclick],"
    " [role=button], [role=link], [role=checkbox], [role=radio], [role=tab], [role=menuitem], [role=option]"
)
DESCRIBE = """element => {
    const text = value => typeof value === 'string' ? value.replace(/\\s+/g, ' ').trim().slice(0, 120) : ''
    const attribute = name => element.getAttribute(name) || ''
    const form = element.closest('form')
    const submits = element.hasAttribute('formaction') ? attribute('formaction') : form && form.getAttribute('action')
    const own = label => [...label.childNodes].filter(one => one.nodeType === 3).map(one => one.data).join(' ')
    const labels = element.labels && element.labels.length ? own(element.labels[0]) : ''
    const shown = element.tagName === 'SELECT' ? '' : element.innerText
    const said = [attribute('aria-label'), labels, shown, attribute('placeholder'), attribute('title'),
        attribute('alt'), attribute('value'), attribute('name')]
    return {
        tag: element.tagName.toLowerCase(), type: text(element.type), role: text(attribute('role')),
        label: said.map(text).find(one => one) || '', value: text(element.value), name: text(attribute('name')),
        autocomplete: text(attribute('autocomplete')), disabled: element.disabled === true,
        scripted: element.hasAttribute('onclick') || element.hasAttribute('download'),
        address: element.tagName === 'A' ? String(element.href).slice(0, 2000) : '',
        choices: element.tagName === 'SELECT' ? [...element.options].slice(0, 30).map(one => text(one.label)) : [],
        method: form ? text(attribute('formmethod') || form.getAttribute('method') || 'get') : '',
        action: form ? new URL(submits || '', document.baseURI).href.slice(0, 500) : '',
        fields: form ? [...form.querySelectorAll('input, select, textarea')].slice(0, 40)
            .filter(one => one.getAttribute('name') && !one.disabled
                && (one.checked || !['checkbox', 'radio', 'submit', 'button', 'image', 'reset'].includes(one.type)))
            .map(one => [text(one.getAttribute('name')), text(one.type), text(one.value)]) : [],
    }
}"""
SECRETS = ("card", "cvc", "cvv", "iban", "passw", "pin", "secret", "otp")


class Element(BaseModel):
    """One of them; what it belongs to is the form that it is in, with what would be sent."""

    model_config = ConfigDict(frozen=True)

    tag: str = Field(max_length=40)
    type: str
    role: str
    label: str
    value: str
    name: str
    autocomplete: str
    disabled: bool
    scripted: bool
    address: str
    choices: tuple[str, ...]
    method: str
    action: str
    fields: tuple[tuple[str, str, str], ...]

    @property
    def is_link(self) -> bool:
        """One that leads to a page, and does nothing else that can be seen."""
        return urlsplit(self.address).scheme in ("http", "https") and not self.scripted and self.role in ("", "link")

    @property
    def is_secret(self) -> bool:
        """Where passwords, cards and the like go."""
        name = f"{self.name} {self.label}".lower()
        return (
            self.type == "password"
            or self.autocomplete.startswith(("cc-", "one-time-code", "current-password", "new-password"))
            or any(sign in name.split() or name.startswith(sign) for sign in SECRETS)
        )

    @property
    def is_field(self) -> bool:
        pressed = ("button", "submit", "reset", "image", "checkbox", "radio", "file")
        return self.tag in ("textarea", "select") or (self.tag == "input" and self.type not in pressed)

    def line(self, number: int) -> str:
        """As a model is shown it."""
        kind = self.role or ("link" if self.address else f"{self.tag} {self.type}".strip())
        value = f" = {'•••' if self.is_secret else self.value!r}" if self.is_field and self.value else ""
        more = f" → {self.address}" if self.address else f" of {' | '.join(self.choices)}" if self.choices else ""
        return f"[{number}] {kind} {self.label!r}{value}{more}{' (disabled)' if self.disabled else ''}"

    def sends(self) -> str:
        """What its form would send where, a line for each field; nothing if it is in none."""
        if not self.action:
            return ""
        fields = [f"{name} = {'•••' if value and kind == 'password' else value}" for name, kind, value in self.fields]
        return "\n".join([f"{self.method.upper()} {self.action}", *fields])
