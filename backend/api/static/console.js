// What HTML alone cannot do: send by Enter, follow a growing answer, and submit a choice at once.

function follow() {
  const messages = document.getElementById("messages");
  if (messages) messages.scrollTop = messages.scrollHeight;
}

function isAtEnd(box) {
  return box.scrollHeight - box.scrollTop - box.clientHeight < 80;
}

document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("form[data-composer]");
  if (form && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (!document.querySelector(".answering") && event.target.value.trim()) form.requestSubmit();
  }
});

document.addEventListener("change", (event) => {
  event.target.closest?.("form[data-submit-on-change]")?.submit();
});

let written = "";
document.addEventListener("htmx:before:request", (event) => {
  if (event.target.closest?.("form")) document.getElementById("trouble")?.replaceChildren();
  const form = event.target.closest?.("form[data-composer]");
  if (!form || event.target !== form) return;
  // What is on its way is no longer to be written.
  written = form.elements.text.value;
  setTimeout(() => form.reset());
});

// What did not arrive can be sent again.
for (const failure of ["htmx:response:error", "htmx:error"]) {
  document.addEventListener(failure, (event) => {
    const form = event.target.closest?.("form[data-composer]");
    if (!form || event.target !== form || document.querySelector(".answering")) return;
    form.elements.text.value ||= written;
  });
}

// What an answer was made from, once it is there, should be seen without scrolling for it.
document.addEventListener("htmx:after:swap", (event) => {
  event.target.closest?.("details.origin")?.scrollIntoView({block: "nearest"});
});

let atEnd = true;
document.addEventListener("htmx:before:swap", () => {
  const messages = document.getElementById("messages");
  atEnd = !messages || isAtEnd(messages);
});
document.addEventListener("htmx:after:swap", (event) => {
  if (atEnd && document.querySelector("form[data-composer]")?.contains(event.target)) follow();
});
document.addEventListener("DOMContentLoaded", follow);
