// A clean-up that is under way goes on by itself; without this, one presses its button.
document.querySelector("form[data-go-on]")?.requestSubmit();
