package postroom

import "strings"

// RatingText is what a customer reads when they are asked to rate.
type RatingText struct {
	Language         string // the tag of the language it is in
	Good, Okay, Bad  string // the three answers
	Question         string // over the answers on the page
	Comment, Hint    string // the field for a comment, and what is said below it
	Send, Change     string // the button, the first time and later
	Thanks, Recorded string // after it was sent: a word, and what was recorded before its name
	Again            string // that it can be changed for a while
	Late, Gone       string // why it cannot be rated any more
	Often            string // too many at once
	Choose           string // nothing was chosen
	Long             string // the comment is too long
}

// Word returns the word for a value.
func (t RatingText) Word(v RatingValue) string {
	switch v {
	case RatedGood:
		return t.Good
	case RatedOkay:
		return t.Okay
	case RatedBad:
		return t.Bad
	}
	return ""
}

// RatingTextFor returns the words in the first of some languages that there are
// any in, else in English. A tag with a region, such as pt-br, finds its
// language.
func RatingTextFor(languages ...string) RatingText {
	for _, tag := range languages {
		base, _, _ := strings.Cut(strings.ToLower(tag), "-")
		for _, t := range ratingTexts {
			if t.Language == base {
				return t
			}
		}
	}
	return ratingTexts[0]
}

var ratingTexts = []RatingText{
	{Language: "en", Good: "Good", Okay: "Okay", Bad: "Not good", Question: "How did we do?",
		Comment: "Would you like to add something?", Hint: "Optional. Only our team reads it.", Send: "Send", Change: "Change my rating",
		Thanks: "Thank you!", Recorded: "Your rating:", Again: "If you change your mind, choose again within 30 days.",
		Late: "This request has been some time ago and can no longer be rated. Thank you all the same.",
		Gone: "There is nothing to rate here any more. Thank you all the same.", Often: "That was a lot at once. Please try again in a few minutes.",
		Choose: "Please choose one of the three.", Long: "Your comment is too long. Please shorten it to 2,000 characters."},
	{Language: "de", Good: "Gut", Okay: "In Ordnung", Bad: "Nicht gut", Question: "Wie zufrieden sind Sie?",
		Comment: "Möchten Sie etwas dazu sagen?", Hint: "Freiwillig. Nur unser Team liest es.", Send: "Absenden", Change: "Bewertung ändern",
		Thanks: "Vielen Dank!", Recorded: "Ihre Bewertung:", Again: "Wenn Sie es sich anders überlegen, können Sie innerhalb von 30 Tagen neu wählen.",
		Late: "Diese Anfrage liegt schon länger zurück und kann nicht mehr bewertet werden. Trotzdem vielen Dank.",
		Gone: "Hier gibt es nichts mehr zu bewerten. Trotzdem vielen Dank.", Often: "Das war sehr viel auf einmal. Bitte versuchen Sie es in einigen Minuten noch einmal.",
		Choose: "Bitte wählen Sie eine der drei Antworten.", Long: "Ihr Kommentar ist zu lang. Bitte kürzen Sie ihn auf 2.000 Zeichen."},
	{Language: "fr", Good: "Bien", Okay: "Correct", Bad: "Pas bien", Question: "Êtes-vous satisfait de notre aide ?",
		Comment: "Souhaitez-vous ajouter quelque chose ?", Hint: "Facultatif. Seule notre équipe le lit.", Send: "Envoyer", Change: "Modifier mon avis",
		Thanks: "Merci !", Recorded: "Votre avis :", Again: "Si vous changez d’avis, vous pouvez choisir à nouveau pendant 30 jours.",
		Late: "Cette demande remonte à un certain temps et ne peut plus être évaluée. Merci tout de même.",
		Gone: "Il n’y a plus rien à évaluer ici. Merci tout de même.", Often: "Cela fait beaucoup à la fois. Veuillez réessayer dans quelques minutes.",
		Choose: "Veuillez choisir l’une des trois réponses.", Long: "Votre commentaire est trop long. Veuillez le limiter à 2 000 caractères."},
	{Language: "es", Good: "Bien", Okay: "Aceptable", Bad: "Mal", Question: "¿Qué tal le hemos atendido?",
		Comment: "¿Quiere añadir algo?", Hint: "Opcional. Solo lo lee nuestro equipo.", Send: "Enviar", Change: "Cambiar mi valoración",
		Thanks: "¡Gracias!", Recorded: "Su valoración:", Again: "Si cambia de opinión, puede elegir de nuevo durante 30 días.",
		Late: "Esta consulta es de hace tiempo y ya no se puede valorar. Gracias de todos modos.",
		Gone: "Aquí ya no hay nada que valorar. Gracias de todos modos.", Often: "Son demasiadas a la vez. Vuelva a intentarlo en unos minutos.",
		Choose: "Elija una de las tres respuestas.", Long: "Su comentario es demasiado largo. Redúzcalo a 2000 caracteres."},
	{Language: "it", Good: "Bene", Okay: "Sufficiente", Bad: "Male", Question: "Come l’abbiamo aiutata?",
		Comment: "Vuole aggiungere qualcosa?", Hint: "Facoltativo. Lo legge solo il nostro team.", Send: "Invia", Change: "Cambia la valutazione",
		Thanks: "Grazie!", Recorded: "La sua valutazione:", Again: "Se cambia idea, può scegliere di nuovo entro 30 giorni.",
		Late: "Questa richiesta risale a tempo fa e non può più essere valutata. Grazie comunque.",
		Gone: "Qui non c’è più nulla da valutare. Grazie comunque.", Often: "Sono troppe in una volta. Riprovi tra qualche minuto.",
		Choose: "Scelga una delle tre risposte.", Long: "Il commento è troppo lungo. Lo riduca a 2000 caratteri."},
	{Language: "nl", Good: "Goed", Okay: "Redelijk", Bad: "Niet goed", Question: "Hoe hebben we u geholpen?",
		Comment: "Wilt u iets toevoegen?", Hint: "Niet verplicht. Alleen ons team leest het.", Send: "Versturen", Change: "Beoordeling wijzigen",
		Thanks: "Dank u wel!", Recorded: "Uw beoordeling:", Again: "Als u van gedachten verandert, kunt u binnen 30 dagen opnieuw kiezen.",
		Late: "Deze vraag is van een tijd geleden en kan niet meer worden beoordeeld. Toch bedankt.",
		Gone: "Hier is niets meer te beoordelen. Toch bedankt.", Often: "Dat was veel tegelijk. Probeer het over een paar minuten opnieuw.",
		Choose: "Kies een van de drie antwoorden.", Long: "Uw opmerking is te lang. Kort haar in tot 2.000 tekens."},
	{Language: "pt", Good: "Bom", Okay: "Razoável", Bad: "Mau", Question: "Como foi o nosso atendimento?",
		Comment: "Quer acrescentar alguma coisa?", Hint: "Opcional. Só a nossa equipa o lê.", Send: "Enviar", Change: "Alterar a avaliação",
		Thanks: "Obrigado!", Recorded: "A sua avaliação:", Again: "Se mudar de ideias, pode escolher de novo durante 30 dias.",
		Late: "Este pedido já tem algum tempo e não pode ser avaliado. Obrigado na mesma.",
		Gone: "Já não há nada para avaliar aqui. Obrigado na mesma.", Often: "Foram demasiadas de uma vez. Tente de novo dentro de alguns minutos.",
		Choose: "Escolha uma das três respostas.", Long: "O comentário é demasiado longo. Reduza-o a 2000 caracteres."},
	{Language: "pl", Good: "Dobrze", Okay: "Średnio", Bad: "Niedobrze", Question: "Jak oceniają Państwo naszą pomoc?",
		Comment: "Czy chcą Państwo coś dodać?", Hint: "Nieobowiązkowe. Czyta to tylko nasz zespół.", Send: "Wyślij", Change: "Zmień ocenę",
		Thanks: "Dziękujemy!", Recorded: "Ocena:", Again: "Ocenę można zmienić w ciągu 30 dni.",
		Late: "Ta sprawa jest już dość dawna i nie można jej ocenić. Mimo to dziękujemy.",
		Gone: "Nie ma tu już nic do oceny. Mimo to dziękujemy.", Often: "To za wiele naraz. Proszę spróbować ponownie za kilka minut.",
		Choose: "Proszę wybrać jedną z trzech odpowiedzi.", Long: "Komentarz jest za długi. Proszę skrócić go do 2000 znaków."},
	{Language: "sv", Good: "Bra", Okay: "Okej", Bad: "Inte bra", Question: "Hur hjälpte vi dig?",
		Comment: "Vill du tillägga något?", Hint: "Frivilligt. Bara vårt team läser det.", Send: "Skicka", Change: "Ändra betyget",
		Thanks: "Tack!", Recorded: "Ditt betyg:", Again: "Om du ändrar dig kan du välja om inom 30 dagar.",
		Late: "Det var ett tag sedan och ärendet kan inte längre betygsättas. Tack ändå.",
		Gone: "Här finns inget kvar att betygsätta. Tack ändå.", Often: "Det var mycket på en gång. Försök igen om några minuter.",
		Choose: "Välj ett av de tre svaren.", Long: "Kommentaren är för lång. Korta den till 2 000 tecken."},
}
