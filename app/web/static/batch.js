// Go on with a batch by itself: each answer is the next page, until nothing is left.

const form = document.querySelector("form[data-step]");
if (form) setTimeout(() => form.requestSubmit(), 50);
