// Text to copy at a press of a button.

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) break; // only where the page is local or encrypted
  button.hidden = false;
  button.ariaLive = "polite"; // so that "Copied" is heard too
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.firstChild.data = "Copied";
    setTimeout(() => { button.firstChild.data = "Copy"; }, 2000);
  });
}
