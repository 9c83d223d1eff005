// Buttons that copy the text of another element.

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) break; // available only over HTTPS and on localhost
  button.hidden = false;
  button.ariaLive = "polite"; // announces "Copied"
  const label = button.firstChild.data;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.firstChild.data = "Copied";
    setTimeout(() => { button.firstChild.data = label; }, 2000);
  });
}
