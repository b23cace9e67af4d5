//! Kinds of short text blocks (headings of related articles, of comments, …) by their words, in about twenty languages.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::identifiers::hash_word;

/// A set of kinds, one bit each.
pub(super) type Phrases = u8;

/// The kinds with their words. In scripts without spaces between words, a word is everything between punctuation.
pub(super) const KINDS: [(&str, &str); 8] = [
    (
        "related",
        "related similar recommended trending popular latest recent also next previous read more see discover \
         ähnliche verwandte weitere mehr meistgelesen empfohlen auch lesen aktuelle neueste beliebte thema themen \
         connexes similaires aussi lire plus suite articles récents populaires \
         relacionados relacionadas también leer más últimas noticias artículos populares siguiente anterior \
         correlati leggi anche altri ultimi notizie simili \
         leia mais também relacionadas notícias últimas posts \
         gerelateerd lees ook meer gerelateerde \
         powiązane podobne czytaj zobacz także również więcej najnowsze \
         читайте также похожие другие новости еще ещё материалы теме популярное смотрите \
         σχετικά διαβάστε επίσης περισσότερα ειδήσεις \
         ilgili diğer haberler benzer devamı son \
         läs också relaterade mer senaste les også relaterte siste \
         související další čtěte také podobné \
         相关文章 相关新闻 相关阅读 推荐阅读 热门文章 最新文章 延伸阅读 上一篇 下一篇 关连新闻 猜你喜欢 相关链接 热点推荐 \
         関連記事 おすすめ記事 人気記事 最新記事 あわせて読みたい 次の記事 前の記事 ランキング \
         관련 기사 관련글 추천 인기 최신 이전글 다음글 مواضيع مقالات اقرأ أيضا ذات صلة المزيد",
    ),
    (
        "comments",
        "comment comments reply replies discussion respond kommentar kommentare kommentieren antworten diskussion \
         commentaire commentaires répondre réagir comentario comentarios responder comenta commento commenti rispondi \
         comentário comentários reactie reacties reageren komentarz komentarze odpowiedz комментарий комментарии ответить \
         коментарі обсуждение σχόλια σχόλιο yorum yorumlar yanıtla kommentarer svara svar komentáře diskuse 评论 网友评论 \
         发表评论 我要评论 留言 回复 コメント コメントを残す コメントする 返信 댓글 답글 تعليق تعليقات التعليقات",
    ),
    (
        "share",
        "share facebook twitter linkedin whatsapp pinterest email print tweet teilen drucken empfehlen merken partager \
         imprimer compartir imprimir compartilhar condividi stampa delen udostępnij drukuj wyślij поделиться распечатать \
         печать κοινοποίηση εκτύπωση paylaş yazdır dela skriv sdílet tisk vytisknout 分享到 分享 打印 转发 シェア シェアする \
         ツイート 印刷 공유 공유하기 인쇄 شارك مشاركة طباعة",
    ),
    (
        "subscribe",
        "newsletter subscribe signup subscription abonnieren anmelden abo abonnement registrieren inscrivez abonnez suscríbete \
         suscribirse boletín iscriviti inscreva assine nieuwsbrief zapisz prenumerata подпишитесь подписаться рассылка \
         подписка εγγραφή abone bülten prenumerera nyhetsbrev odběr 订阅 关注我们 扫描二维码 メルマガ 購読 登録 구독 اشترك",
    ),
    (
        "consent",
        "cookie cookies consent privacy gdpr datenschutz einwilligung akzeptieren confidentialité accepter privacidad \
         aceptar accetta privacidade aceitar ciasteczka polityka prywatności куки конфиденциальности gizlilik çerez \
         çerezleri kakor integritet soukromí 隐私政策 プライバシーポリシー クッキー 개인정보처리방침 خصوصية",
    ),
    (
        "tags",
        "tags tag topics labels categories category filed under schlagworte schlagwörter stichworte kategorie kategorien \
         mots clés catégories catégorie etiquetas categorías categoría categorie categoria tagi kategorie теги метки \
         рубрика рубрики ετικέτες etiketler kategori etiketter taggar štítky rubriky 标签 分类 关键词 关键字 タグ カテゴリ \
         カテゴリー 태그 카테고리 وسوم الوسوم",
    ),
    (
        "rights",
        "copyright reserved rights imprint terms impressum agb rechte vorbehalten droits réservés mentions légales derechos \
         reservados aviso legal diritti riservati direitos rechten voorbehouden prawa zastrzeżone regulamin права защищены \
         правообладатель πνευματικά δικαιώματα hakları saklıdır rättigheter vyhrazena 版权所有 版权声明 免责声明 著作権 \
         無断転載 무단전재 재배포 الحقوق محفوظة",
    ),
    (
        "byline",
        "by author posted published updated written edited von autor verfasst veröffentlicht aktualisiert stand par auteur \
         publié mis jour por publicado actualizado di scritto pubblicato aggiornato atualizado door gepubliceerd autorzy \
         opublikowano dodano автор опубликовано дата источник συντάκτης δημοσίευση yazar yayınlanma güncelleme av publicerad \
         uppdaterad publisert autoři publikováno 作者 编辑 责任编辑 来源 发布时间 发表于 記者 投稿者 公開日 更新日 投稿日 기자 입력 \
         작성자 수정 الكاتب نشر",
    ),
];

static WORDS: LazyLock<HashMap<u32, Phrases>> = LazyLock::new(|| {
    let mut words: HashMap<u32, Phrases> = HashMap::new();
    for (kind, (_, list)) in KINDS.iter().enumerate() {
        for word in list.split_whitespace() {
            *words.entry(hash_word(word)).or_default() |= 1 << kind;
        }
    }
    words
});

/// The kinds of a text block with these words.
pub(super) fn phrases(words: &[u32]) -> Phrases {
    words.iter().filter_map(|word| WORDS.get(word)).fold(0, |all, kinds| all | kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_in_several_languages() {
        for (text, kind) in [
            ("Related articles", 0),
            ("Mehr zum Thema", 0),
            ("コメント", 1),
            ("Поделиться", 2),
            ("Suscríbete", 3),
            ("标签", 5),
        ] {
            let words: Vec<u32> = text.split(' ').map(hash_word).collect();
            assert_eq!(phrases(&words) & 1 << kind, 1 << kind, "{text}");
        }
        assert_eq!(phrases(&[hash_word("bridge")]), 0);
    }
}
