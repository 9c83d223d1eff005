// Continues a running clean-up without a click. Without this script, the user clicks the button.
document.querySelector("form[data-auto-submit]")?.requestSubmit();
